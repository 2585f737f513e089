"""Imports run down only, and importing has no side effect."""

import ast
import subprocess
import sys
from pathlib import Path

import mnist_lightning

PACKAGE = Path(__file__).parents[1] / "mnist_lightning"
# Each room, and the rooms below it that it may import
ROOMS = {
    "errors": set(),
    "files": {"errors"},
    "models": {"errors"},
    "data": {"errors", "files"},
    "checkpoints": {"errors", "files", "models", "data"},
    "report": {"errors", "files", "models", "data", "checkpoints"},
    "handwriting": {"errors", "files", "models", "data", "checkpoints"},
    "export": {"errors", "files", "models", "data", "checkpoints"},
    "cli": {"errors", "files", "models", "data", "checkpoints", "report", "handwriting", "export"},
    "__main__": {"checkpoints", "cli"},
    "__init__": {"models", "data", "handwriting", "export", "report"},
}


def imported(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def files(room: str) -> list[Path]:
    return [*PACKAGE.glob(f"{room}.py"), *PACKAGE.glob(f"{room}/**/*.py")]


def test_every_entry_of_the_package_is_a_room() -> None:
    entries = {path.stem for path in PACKAGE.iterdir() if path.suffix in ("", ".py")}
    assert entries - {"__pycache__"} == set(ROOMS)
    assert len(ROOMS) <= 11


def test_imports_run_down_only() -> None:
    for room, below in ROOMS.items():
        for path in files(room):
            for module in imported(path):
                if module.startswith("mnist_lightning."):
                    assert module.split(".")[1] in {room, *below}, f"{path.name} imports {module}"


def test_the_network_is_plain_torch() -> None:
    (network,) = PACKAGE.glob("models/network.py")
    paths = [network, *PACKAGE.glob("models/kernels/*.py")]
    roots = {module.split(".")[0] for path in paths for module in imported(path)}
    assert roots - sys.stdlib_module_names <= {"torch", "mnist_lightning"}


def test_the_package_lists_its_public_names_and_modules() -> None:
    listed = dir(mnist_lightning)
    assert {*listed} == {*mnist_lightning.__all__} | {*ROOMS} - {"__main__", "__init__"}
    assert all(getattr(mnist_lightning, name) for name in {*ROOMS} & {*listed})


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
