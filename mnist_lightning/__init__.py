"""The Keras CNN for MNIST as a PyTorch Lightning library.

The public names load on first use, so that ``import mnist_lightning`` is instant and has no
side effect.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_lightning.classifier import MNISTClassifier
    from mnist_lightning.data import MNISTDataModule
    from mnist_lightning.network import ConvNet
    from mnist_lightning.predict import predict_images

__version__ = "0.1.0"
__all__ = ["ConvNet", "MNISTClassifier", "MNISTDataModule", "__version__", "predict_images"]

_HOME = {
    "ConvNet": "network",
    "MNISTClassifier": "classifier",
    "MNISTDataModule": "data",
    "predict_images": "predict",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
