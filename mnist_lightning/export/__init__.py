"""The network in other programs' formats, and Keras's."""
