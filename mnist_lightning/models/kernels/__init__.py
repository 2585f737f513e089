"""Convolution and Dense layers for training on x86 processors."""
