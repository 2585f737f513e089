"""The scores of a set of images, in words and as ``metrics.json``."""

import json
from dataclasses import asdict
from pathlib import Path

from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.files import atomic_write
from mnist_lightning.report.scores import Scores
from mnist_lightning.report.summary import images_name


def score_lines(scores: Scores) -> list[str]:
    """Say what a test came to, in lines of at most 80 characters."""
    lines = [
        f"loss {scores.loss:.4f}, expected calibration error {scores.calibration_error:.4f}",
        "",
        "digit  precision  recall      F1  images",
    ]
    for each in scores.digits:
        precision, recall, f1 = map(_share, (each.precision, each.recall, each.f1))
        lines.append(f"{each.digit:>5}  {precision:>9}  {recall}  {f1}  {each.support:>6,}")
    lines.append("")
    if scores.confusions:
        lines.append("most frequent confusions:")
    for confusion in scores.confusions:
        lines.append(f"  {confusion.label} taken for {confusion.digit}: {confusion.count:,}")
    return lines


def write_metrics(
    folder: Path,
    scores: Scores,
    stage: str,
    data: MNISTDataModule | None,
    checkpoint: str | Path | None,
) -> None:
    """Write ``metrics.json`` into a folder, whole or not at all.

    Args:
        folder: Made if it is not there.
        scores: Of the whole set.
        stage: ``val`` or ``test``.
        data: The data module, if it is ours.
        checkpoint: File that the weights came from; its name alone is written.
    """
    content = {
        "images": images_name(stage, data),
        "source": data.source if data else None,
        "checkpoint": Path(checkpoint).name if checkpoint else None,
        **asdict(scores),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / "metrics.json") as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _share(value: float | None) -> str:
    return "     -" if value is None else f"{value:.4f}"
