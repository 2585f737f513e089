"""The Keras CNN for MNIST as a PyTorch Lightning library.

The public names load on first use, so that ``import mnist_lightning`` is instant and has no
side effect.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_lightning.data.datamodule import MNISTDataModule
    from mnist_lightning.export.keras import export_keras, import_keras
    from mnist_lightning.handwriting.predictor import predict_images
    from mnist_lightning.models.classifier import MNISTClassifier
    from mnist_lightning.models.network import ConvNet
    from mnist_lightning.report.workflow import (
        evaluate,
        fit,
        plot_curves,
        plot_predictions,
        summary,
    )

__version__ = "0.2.0"
PROGRAM = "mnist-lightning"  # the command, as pip installs it
__all__ = [
    "ConvNet",
    "MNISTClassifier",
    "MNISTDataModule",
    "__version__",
    "evaluate",
    "export_keras",
    "fit",
    "import_keras",
    "plot_curves",
    "plot_predictions",
    "predict_images",
    "summary",
]

_HOME = {
    "ConvNet": "models.network",
    "MNISTClassifier": "models.classifier",
    "MNISTDataModule": "data.datamodule",
    "evaluate": "report.workflow",
    "export_keras": "export.keras",
    "fit": "report.workflow",
    "import_keras": "export.keras",
    "plot_curves": "report.workflow",
    "plot_predictions": "report.workflow",
    "predict_images": "handwriting.predictor",
    "summary": "report.workflow",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module, or a module, on first use (PEP 562)."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _modules():
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names and the modules, loaded or not."""
    return sorted([*__all__, *_modules()])


def _modules() -> list[str]:
    return [each.name for each in iter_modules(__path__) if not each.name.startswith("_")]
