"""Data sets, their files and their batches."""
