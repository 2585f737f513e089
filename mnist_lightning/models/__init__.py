"""The network and its training step."""
