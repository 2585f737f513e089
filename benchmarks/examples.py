"""Run each example on MNIST, as its page in the documentation shows it, and keep what it prints.

``fit --config configs/fast.yaml`` comes first, for the example that takes a checkpoint.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
FAST = ["fit", "--config", str(HERE.parent / "configs" / "fast.yaml"), "--report.figures", "false"]
CHECKPOINT = "logs/mnist/version_0/checkpoints/last.ckpt"


def run_example(path: Path, folder: str) -> dict[str, Any]:
    """Run one in a folder that holds ``data/``: its arguments, last line of output and seconds."""
    arguments = [CHECKPOINT] if "CHECKPOINT" in path.read_text(encoding="utf-8") else []
    start = time.perf_counter()
    output = subprocess.check_output(
        [sys.executable, str(path), *arguments], cwd=folder, text=True, stderr=subprocess.DEVNULL
    )
    seconds = round(time.perf_counter() - start, 1)
    return {"arguments": arguments, "output": output.splitlines()[-1], "seconds": seconds}


def main() -> None:
    """Run them all and write ``results/examples.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_dir", type=Path, default=Path("data"), help="folder of MNIST")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write to")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "data").symlink_to(given.data_dir.resolve(), target_is_directory=True)
        fast = [sys.executable, "-m", "mnist_lightning", *FAST, "--data.source", "mnist"]
        subprocess.run(fast, cwd=folder, check=True)
        found = {}
        for path in sorted(EXAMPLES.glob("*.py")):
            found[path.stem] = run_example(path, folder)
            print(path.name, found[path.stem]["output"], flush=True)
    command = "python benchmarks/examples.py"
    results = {"command": command, "machine": describe(), "examples": found}
    text = json.dumps(results, indent=1) + "\n"
    (given.results / "examples.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
