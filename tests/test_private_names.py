"""Private names of other libraries: few, each in one place with its reason and a test."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "mnist_lightning"
# Name, the file that uses it, and the test that fails when it goes
CONDITIONS = ("models/kernels/conditions.py", "models/kernels/test_conditions.py")
ADAM = ("models/keras_adam.py", "models/test_keras_adam.py")
KNOWN = {
    "_C": CONDITIONS,
    "_len_torch_dispatch_stack": CONDITIONS,
    "_linear_pointwise": ("models/kernels/training.py", "models/kernels/test_products.py"),
    "_accelerator_graph_capture_health_check": ADAM,
}


def defined(tree: ast.AST) -> set[str]:
    """Names that a module gives to what it makes."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def test_private_names_are_known() -> None:
    trees = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
    own = set().union(*map(defined, trees.values())) - set(KNOWN)
    used: dict[str, set[str]] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("mnist_"):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if isinstance(node, ast.FunctionDef) and node.name in KNOWN:  # overridden
                names = [node.name]
            for name in filter(is_private, names):
                if name not in own:
                    used.setdefault(name, set()).add(str(path.relative_to(PACKAGE)))
    assert used == {name: {file} for name, (file, _) in KNOWN.items()}
    assert len(KNOWN) <= 5
    for _, test in KNOWN.values():
        assert (PACKAGE.parent / "tests" / test).is_file()


def overridden(base: type) -> set[str]:
    return {name for name, value in vars(base).items() if is_private(name) and callable(value)}


def test_no_private_method_of_lightning_is_overridden() -> None:
    from mnist_lightning.checkpoints.checkpoint_io import BestCheckpoint
    from mnist_lightning.cli.cli import CLI
    from mnist_lightning.report.logger import RunLogger
    from mnist_lightning.report.progress_bar import ProgressBar

    for ours in (BestCheckpoint, CLI, ProgressBar, RunLogger):
        for theirs in ours.__mro__[1:]:
            assert not overridden(ours) & overridden(theirs)
