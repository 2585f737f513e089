"""Checkpoint files: written whole, kept, and refused when they are not sound."""

import errno
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import NO_FIGURES, TINY, refused

from mnist_lightning import MNISTClassifier
from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.archive import previous, read_archive
from mnist_lightning.checkpoints.checkpoint import read_checkpoint
from mnist_lightning.checkpoints.checkpoint_io import SafeCheckpointIO
from mnist_lightning.errors import CheckpointError

IO = SafeCheckpointIO()


def numbered(number: int) -> dict[str, Any]:
    return {"state_dict": {"weight": torch.full((500,), float(number))}}


def number_in(path: Path) -> float:
    weight: torch.Tensor = IO.load_checkpoint(path)["state_dict"]["weight"]
    return weight[0].item()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint, and the one before it."""
    path = tmp_path / "checkpoints" / "last.ckpt"
    for number in (1, 2):
        IO.save_checkpoint(numbered(number), path)
    return path


def test_a_save_keeps_the_one_before(saved: Path) -> None:
    assert (number_in(previous(saved)), number_in(saved)) == (1, 2)
    assert {path.name for path in saved.parent.iterdir()} == {"last.ckpt", "last.previous.ckpt"}
    IO.remove_checkpoint(saved)
    assert not list(saved.parent.iterdir())


def test_nothing_is_removed_after_a_failed_save(tmp_path: Path) -> None:
    safe, old = SafeCheckpointIO(), tmp_path / "epoch=0.ckpt"
    safe.save_checkpoint(numbered(1), old)
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="could not be written"):
        safe.save_checkpoint(numbered(2), tmp_path / "file" / "epoch=1.ckpt")
    safe.remove_checkpoint(old)
    assert number_in(old) == 1


def test_the_old_format_before_an_archive_is_refused(saved: Path) -> None:
    """torch.load would read the first, whose checksums nobody knows."""
    old = io.BytesIO()
    torch.save(numbered(3), old, _use_new_zipfile_serialization=False)
    saved.write_bytes(old.getvalue() + saved.read_bytes())
    with pytest.raises(CheckpointError, match="BadZipFile"):
        read_archive(saved)


def test_packed_entries_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(CheckpointError, match="BadZipFile"):
        read_archive(saved)


def test_a_best_that_was_not_written_does_not_count(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, refused_once = os.replace, list[Path]()

    def refuses_once(source: Path, target: Path) -> None:
        if target.name == "best.ckpt" and not refused_once:
            refused_once.append(target)
            raise OSError(errno.ENOSPC, "full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuses_once)
    first = ["--best_checkpoint.monitor", "train/loss", "--best_checkpoint.mode", "max"]
    with pytest.warns(UserWarning, match=r"best\.ckpt could not be written"):
        main(["fit", *TINY, "--data.val_size", "30", *first])
    (best,) = workdir.glob("logs/*/*/checkpoints/best.ckpt")
    assert read_archive(best)["epoch"] == 1, "the second, as the first is not there"


class Payload:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("touched"),)


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": {"weight": torch.tensor([1.0, float("nan")])}},
        {"state_dict": {"weight": torch.tensor(float("inf"))}},
        {"state_dict": {"weight": "text"}},
        {"state_dict": {}, "more": Payload()},
        {"state_dict": Payload()},
        Payload(),
        {"weights": {}},
        {"hyper_parameters": {"x": 1}},
        [],
        b"",
        b"no",
    ],
)
def test_refuses_what_is_no_sound_checkpoint(workdir: Path, content: Any) -> None:
    if isinstance(content, bytes):
        Path("x.ckpt").write_bytes(content)
    else:
        torch.save(content, "x.ckpt")
    with pytest.raises(CheckpointError, match=r"^ckpt_path is x\.ckpt: "):
        read_checkpoint(Path("x.ckpt"))
    assert [path.name for path in workdir.iterdir()] == ["x.ckpt"]


def test_a_damaged_last_gives_way_to_the_one_before(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["fit", *TINY])
    (last,) = workdir.glob("logs/*/*/checkpoints/last.ckpt")
    last.write_bytes(last.read_bytes()[:-100])
    assert "damaged" in refused(["test", "--ckpt_path", str(last)], capsys)
    main(["test", *NO_FIGURES])
    assert "damaged or not a checkpoint (BadZipFile); the one before" in capsys.readouterr().out
    main(["fit", *TINY, "--ckpt_path", "last"])
    assert "  2/2  " in capsys.readouterr().out, "the second epoch is trained again"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"net.head.bias": None}, "net.head.bias is missing"),
        ({"net.head.bias": torch.zeros(3)}, "net.head.bias has shape (3,), the network (10,)"),
        ({"net.more": torch.zeros(3)}, "net.more is not the network's"),
    ],
)
def test_weights_of_another_network_are_refused(
    workdir: Path, change: Any, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = MNISTClassifier([2], [8])
    weights = {**model.state_dict(), **change}
    content = {
        "state_dict": {name: weight for name, weight in weights.items() if weight is not None},
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": "2.6.6",
    }
    torch.save(content, "x.ckpt")
    assert named in refused(["test", "--ckpt_path", "x.ckpt"], capsys)
