"""Fit on two processes; prints what it came to. Run by test_tools.py, a strategy at a time."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from lightning import Callback
from sides import Side


class Shares(Callback):
    """Writes down the labels that each process trained on."""

    def on_train_start(self, *_: Any) -> None:
        self.labels: list[int] = []

    def on_train_batch_end(self, *args: Any) -> None:
        self.labels += args[3][1].tolist()

    def on_train_end(self, trainer: Any, *_: Any) -> None:
        Path(f"share{trainer.global_rank}.json").write_text(json.dumps(self.labels))
        trainer.strategy.barrier()  # the first process reads what both have written


def main(strategy: str, side: str, images: str) -> None:
    """Train for an epoch, test, and print."""
    warnings.simplefilter("ignore")
    both = Side(side == "ours", Path(images))
    module, data = both.module(), both.data()
    trainer = both.trainer(strategy=strategy, devices=2, max_epochs=1, callbacks=[Shares()])
    before = [weight.clone() for weight in module.parameters()]
    trainer.fit(module, datamodule=data)
    if trainer.global_rank:
        return
    shares = [json.loads(Path(f"share{rank}.json").read_text()) for rank in (0, 1)]
    came_to = {
        "steps": trainer.global_step,
        "shares": [len(share) for share in shares],
        "labels": sorted(shares[0] + shares[1]),
        "metrics": sorted(trainer.callback_metrics),
        "moved": [bool((x != y).any()) for x, y in zip(before, module.parameters(), strict=True)],
    }
    print(json.dumps(came_to))


if __name__ == "__main__":
    main(*sys.argv[1:])
