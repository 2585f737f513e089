"""Digits that people write: predictions, and a page to draw on."""
