"""The user's own pictures, framed as MNIST's digits."""
