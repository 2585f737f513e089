"""Imports flow one way, and importing does nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "mnist_lightning"
LEVELS = [
    {"eager", "sparse_gradient"},
    {"dense", "convolution"},
    {
        "allocator",
        "network",
        "augmentation",
        "deferred",
        "keras_adam",
        "plotting",
        "synthetic",
        "idx",
        "transfer",
        "batches",
        "logger",
        "checkpoint_file",
        "keras_file",
        "signals",
        "usage",
        "output",
        "digit_image",
        "image_file",
        "prediction",
        "evaluation",
        "saliency",
        "diagnostics",
        "page",
        "sketchpad",
    },
    {"download", "checkpoint_io"},
    {"splits", "own_images"},
    {"data"},
    {"classifier", "portable"},
    {"checkpoint_content", "step_graph"},
    {"checkpoints"},
    {"callbacks", "keras_weights", "export", "predict"},
    {"draw"},
    {"tools"},
    {"cli"},
    {"program"},
    {"__main__"},
]
# plain torch, and nothing of Lightning
PURE = {
    "eager": {"torch"},
    "sparse_gradient": {"torch"},
    "dense": {"torch", "mnist_lightning"},  # eager
    "convolution": {"torch", "mnist_lightning"},  # eager, sparse_gradient
    "network": {"torch", "mnist_lightning"},  # the two before
    "keras_adam": {"torch"},
    "augmentation": {"numpy", "torch"},
    "synthetic": {"torch"},
    "plotting": {"numpy", "matplotlib"},
    "digit_image": {"numpy", "PIL", "scipy"},
    "image_file": {"numpy", "PIL"},
    "diagnostics": {"numpy", "matplotlib"},
    "deferred": {"torch", "torchmetrics"},
    "evaluation": {"torch", "torchmetrics"},
    "saliency": {"torch"},
    "page": set(),
    "sketchpad": set(),
}


def imported(path: Path) -> set[str]:
    """Modules that a file imports when it is imported itself."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def modules() -> dict[str, list[Path]]:
    found = {path.stem: [path] for path in PACKAGE.glob("*.py") if path.stem != "__init__"}
    return {**found, "callbacks": list((PACKAGE / "callbacks").glob("*.py"))}


def test_imports_flow_one_way() -> None:
    level = {name: i for i, names in enumerate(LEVELS) for name in names}
    assert set(modules()) == set(level), "every module has its level"
    for name, paths in modules().items():
        for module in set().union(*map(imported, paths)):
            if module.startswith("mnist_lightning.") and module.split(".")[1] != name:
                assert level[module.split(".")[1]] < level[name], f"{name} imports {module}"


def test_the_classifier_knows_neither_data_nor_plots() -> None:
    ours = {m for m in imported(PACKAGE / "classifier.py") if m.startswith("mnist_lightning")}
    assert ours == {f"mnist_lightning.{name}" for name in ("deferred", "keras_adam", "network")}


def test_pure_modules_stay_pure() -> None:
    for name, allowed in PURE.items():
        roots = {module.split(".")[0] for module in imported(PACKAGE / f"{name}.py")}
        assert roots - sys.stdlib_module_names <= allowed


def test_importing_has_no_side_effect() -> None:
    code = """
import sys, warnings, logging, random
before = list(warnings.filters), logging.root.handlers[:], random.getstate()
import mnist_lightning
assert before == (list(warnings.filters), logging.root.handlers[:], random.getstate())
assert 'torch' not in sys.modules
from mnist_lightning import ConvNet
assert 'lightning' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
