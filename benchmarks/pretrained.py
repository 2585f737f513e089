"""Train the network that comes with the package, and write its weights and its model card.

``--run FOLDER`` takes a run of the recipe that is there already. MNIST lies in ``data/``.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from string import Template
from typing import Any

import torch
import yaml
from machine import describe

from mnist_lightning.checkpoints.checkpoint import read_checkpoint
from mnist_lightning.data.datasets import MNIST
from mnist_lightning.export.export import export
from mnist_lightning.models.pretrained import CARD, FILE

RECIPE = "fit --config configs/accurate.yaml --trainer.max_epochs 15 --data.source mnist"
PAGE = Template("""\
# Model card: the network that comes with mnist_lightning

| | |
|---|---|
| network | `ConvNet($arguments)`, $parameters parameters |
| trained on | MNIST's 60,000 training images; the last epoch's weights, no epoch chosen |
| command | `python -m mnist_lightning $command` |
| seed | $seed |
| test images right | $right of 10,000 ($accuracy), 95 % interval $low to $high |
| machine | $processor, $threads threads; torch $torch, lightning $lightning |
| file | `mnist.safetensors`, $size bytes |
| SHA-256 | `$sha256` |
| made by | `python benchmarks/pretrained.py` |

It takes images (B, 1, 28, 28) float32 in [0, 1], bright ink on dark ground, one digit in each,
framed as MNIST's are, and gives logits (B, 10). `predict`, `draw` and `predict_images` frame
pictures so. The test images were scored after each epoch, as the Keras original does, and chose
nothing. It has seen the handwriting of MNIST's writers alone: digits of other forms, as a 1 with a
long flag, are read less well, and what is no digit is some digit to it.

`ConvNet.from_pretrained()` opens it, and refuses a file with another hash. Licence: MIT, as the
library's. MNIST: Y. LeCun, C. Cortes, C. J. C. Burges.
""")


def main() -> None:
    """Train, unless a run is given, and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="folder of a run of the recipe")
    parser.add_argument("--data_dir", default="data", help="folder of MNIST")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = options.run or train(Path(scratch), options.data_dir)
        weights = Path(scratch, FILE.name)
        checkpoint = run / "checkpoints" / "last.ckpt"
        export(output=str(weights), ckpt_path=str(checkpoint), data_dir=options.data_dir)
        FILE.write_bytes(weights.read_bytes())
    card = describe_weights(run, options.data_dir)
    CARD.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    FILE.with_name("MODEL_CARD.md").write_text(page(card), encoding="utf-8")


def train(scratch: Path, data_dir: str) -> Path:
    """Run the recipe; the folder of its run."""
    command = [
        sys.executable,
        "-m",
        "mnist_lightning",
        *RECIPE.split(),
        "--data.data_dir",
        data_dir,
    ]
    subprocess.run([*command, "--trainer.logger.save_dir", str(scratch)], check=True)
    return scratch / "mnist" / "version_0"


def describe_weights(run: Path, data_dir: str) -> dict[str, Any]:
    """What the card says: counted on the test images, and read from the run's own files."""
    net = read_checkpoint(run / "checkpoints" / "last.ckpt").network()
    images, labels = MNIST.read(Path(data_dir), train=False)
    with torch.inference_mode():
        logits = torch.cat([net(batch / 255) for batch in torch.split(images, 500)])
    right = int((logits.argmax(dim=1) == labels).sum())
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return {
        "sha256": hashlib.sha256(FILE.read_bytes()).hexdigest(),
        "right": right,
        "accuracy": right / len(labels),
        "command": RECIPE,
        "seed": config["seed_everything"],
        "parameters": summary["parameters"],
        "seconds": summary["seconds"],
        "machine": describe(),
    }


def page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    from mnist_lightning.models.pretrained import read_pretrained
    from mnist_lightning.report.scores import wilson_interval

    _, arguments = read_pretrained()
    low, high = wilson_interval(card["right"], 10_000)
    return PAGE.substitute(
        card | card["machine"] | card["machine"]["versions"],
        arguments=", ".join(f"{name}={value}" for name, value in arguments.items()),
        parameters=f"{card['parameters']:,}",
        right=f"{card['right']:,}",
        accuracy=f"{card['accuracy']:.2%}",
        low=f"{low:.2%}",
        high=f"{high:.2%}",
        size=f"{FILE.stat().st_size:,}",
    )


if __name__ == "__main__":
    main()
