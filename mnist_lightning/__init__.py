"""The Keras CNN for MNIST as a PyTorch Lightning library.

The public names load on first use, so that ``import mnist_lightning`` is instant and has no
side effect.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_lightning.data.datamodule import MNISTDataModule
    from mnist_lightning.export.keras import export_keras, import_keras
    from mnist_lightning.handwriting.prediction import predict_images
    from mnist_lightning.models.classifier import MNISTClassifier
    from mnist_lightning.models.network import ConvNet

__version__ = "0.2.0.dev0"
__all__ = [
    "ConvNet",
    "MNISTClassifier",
    "MNISTDataModule",
    "__version__",
    "export_keras",
    "import_keras",
    "predict_images",
]

_HOME = {
    "ConvNet": "models.network",
    "MNISTClassifier": "models.classifier",
    "MNISTDataModule": "data.datamodule",
    "export_keras": "export.keras",
    "import_keras": "export.keras",
    "predict_images": "handwriting.prediction",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
