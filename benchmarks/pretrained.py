"""Train the network that comes with the package, and write its weights and its model card.

It is trained with an eleventh class, "no digit", whose row of the last layer is a file of its own.
``--set`` and ``--run`` take a training set and a run of the recipe that are there already.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from calibration import choose, in_batches
from machine import describe
from model_card import page
from safetensors.torch import save
from torch import Tensor
from training_set import NO_DIGIT, compose

from mnist_lightning import __version__
from mnist_lightning.checkpoints.checkpoint import Checkpoint, read_checkpoint
from mnist_lightning.data.datasets import MNIST
from mnist_lightning.handwriting.rejection import Rejection
from mnist_lightning.models.network import ConvNet
from mnist_lightning.models.pretrained import CARD, FILE, REJECTION

SET = "mnist_and_more"
RECIPE = f"fit --config configs/accurate.yaml --data.dataset {SET} --trainer.max_epochs 7"
ARGUMENTS = ("conv_channels", "hidden_dims", "batch_norm", "dropout")
METADATA = {  # as ``export`` writes it
    "input": "images",
    "input_shape": "B, 1, 28, 28",
    "input_dtype": "float32",
    "input_range": "0 to 1, bright ink on dark ground",
    "input_mean": "0",
    "input_std": "1",
    "output": "logits",
    "output_shape": "B, 10",
    "output_dtype": "float32",
    "classes": "0 1 2 3 4 5 6 7 8 9",
    "trained_on": SET,
    "library": f"mnist_lightning {__version__}",
}


def main() -> None:
    """Compose and train, unless a set and a run are given, and write the four files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", type=Path, help="folder that training_set.py wrote")
    parser.add_argument("--run", type=Path, help="folder of a run of the recipe on it")
    parser.add_argument("--data_dir", type=Path, default=Path("data"), help="folder of MNIST")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.set or Path(scratch, SET)
        if not options.set:
            compose(folder, options.data_dir)
        run = options.run or train(Path(scratch), folder)
        net, row = split(read_checkpoint(run / "checkpoints" / "last.ckpt"))
        chosen = choose(Rejection(net, row["weight"], row["bias"]), net, folder / "held_out")
    card = describe_run(run) | describe_network(net, options.data_dir) | chosen
    card["sha256"] = hashlib.sha256(FILE.read_bytes()).hexdigest()
    card["rejection_sha256"] = hashlib.sha256(REJECTION.read_bytes()).hexdigest()
    CARD.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    FILE.with_name("MODEL_CARD.md").write_text(page(card), encoding="utf-8")


def train(scratch: Path, folder: Path) -> Path:
    """Run the recipe; the folder of its run."""
    command = [sys.executable, "-m", "mnist_lightning", *RECIPE.replace(SET, str(folder)).split()]
    subprocess.run([*command, "--trainer.logger.save_dir", str(scratch)], check=True)
    return scratch / folder.name / "version_0"


def split(checkpoint: Checkpoint) -> tuple[ConvNet, dict[str, Tensor]]:
    """Part a network of eleven classes into one of ten and the row of the last; write both."""
    weights = checkpoint.network().state_dict()
    row = {name: weights[f"head.{name}"][NO_DIGIT:].clone() for name in ("weight", "bias")}
    arguments = {name: checkpoint.model[name] for name in ARGUMENTS if name in checkpoint.model}
    net = ConvNet(**arguments, num_classes=NO_DIGIT)
    for name in row:
        weights[f"head.{name}"] = weights[f"head.{name}"][:NO_DIGIT].clone()
    net.load_state_dict(weights)
    network = json.dumps(arguments | {"num_classes": NO_DIGIT})
    FILE.write_bytes(save(weights, METADATA | {"network": network}))
    REJECTION.write_bytes(save(row))
    return net.eval(), row


def describe_run(run: Path) -> dict[str, Any]:
    """What the card says of the training, from the run's own files."""
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return {
        "command": RECIPE,
        "seed": config["seed_everything"],
        "seconds": summary["seconds"],
        "machine": describe(),
    }


def describe_network(net: ConvNet, data_dir: Path) -> dict[str, Any]:
    """Its size, and how many of MNIST's test images are right, as one of ten digits."""
    images, labels = MNIST.read(data_dir, train=False)
    right = int((in_batches(net, images / 255).argmax(dim=1) == labels).sum())
    parameters = sum(each.numel() for each in net.parameters())
    return {"parameters": parameters, "right": right, "accuracy": right / len(labels)}


if __name__ == "__main__":
    main()
