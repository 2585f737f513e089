"""Checkpoints: written whole, read with suspicion, resumed exactly."""
