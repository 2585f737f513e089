"""Data files that are not what they should be."""

import gzip
import random
from pathlib import Path

import pytest
from conftest import Tally
from mirrors import hashes_of, packed

from mnist_lightning.data.download import FILES, PACKED_SIZES, SHA256, fetch_mnist, is_intact
from mnist_lightning.data.splits import read_split
from mnist_lightning.errors import DataError

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
SEED = 0
IMAGES, LABELS = FILES[:2]
COUNT = 20
HEADERS = {IMAGES: 16, LABELS: 8}


def sound() -> dict[str, bytes]:
    """A small training split."""
    count, side = COUNT.to_bytes(4, "big"), (28).to_bytes(4, "big")
    pixels = random.Random(1).randbytes(COUNT * 784)
    labels = bytes(range(10)) * (COUNT // 10)
    return {
        IMAGES: bytes([0, 0, 8, 3]) + count + side * 2 + pixels,
        LABELS: bytes([0, 0, 8, 1]) + count + labels,
    }


def mutant(content: bytes, draw: random.Random) -> bytes:
    """Flip a bit, cut, lengthen, swap halves, zero a part, or double."""
    place, half = draw.randrange(len(content)), len(content) // 2
    head, tail = content[:place], content[place:]
    return draw.choice(
        [
            head + bytes([tail[0] ^ 1 << draw.randrange(8)]) + tail[1:],
            head + bytes([draw.randrange(256)]) + tail[1:],
            head,
            tail,
            content + draw.randbytes(draw.randint(1, 1000)),
            content[half:] + content[:half],
            head + bytes(len(tail)),
            head + tail[1:],
            content * 2,
            b"",
        ]
    )


def test_no_mutant_of_an_official_file_is_read(
    tmp_path: Path, full: bool, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, files, survived = random.Random(SEED), sound(), 0
    for name, hashes in hashes_of(files).items():
        monkeypatch.setitem(SHA256, name, hashes)
    tried = 2000 if full else 200
    for _ in range(tried):
        victim = draw.choice([IMAGES, LABELS])
        for name, content in files.items():
            (tmp_path / name).write_bytes(mutant(content, draw) if name == victim else content)
        same = (tmp_path / victim).read_bytes() == files[victim]
        try:
            read_split(tmp_path, "train", COUNT, official=True)
            survived += same
        except DataError:
            survived += not same
    tally("mutants of official IDX files", tried, survived, SEED)


def test_of_other_files_no_wrong_header_length_or_label_is_read(
    tmp_path: Path, full: bool, tally: Tally
) -> None:
    draw, files, survived = random.Random(SEED), sound(), 0
    tried = 1500 if full else 150
    for number in range(tried):
        victim = draw.choice([IMAGES, LABELS])
        for name, content in files.items():
            header, rest = content[: HEADERS[name]], content[HEADERS[name] :]
            if name == victim and number % 3 == 0:
                content = mutant(header, draw) + rest
            elif name == victim:
                content = header + mutant(rest, draw)
            (tmp_path / name).write_bytes(content)
        try:
            images, labels = read_split(tmp_path, "train", COUNT, official=False)
            given = (tmp_path / victim).read_bytes()
            header, rest = given[: HEADERS[victim]], given[HEADERS[victim] :]
            values = bytes(images.flatten().tolist() if victim == IMAGES else labels.tolist())
            whole = files[victim].startswith(header) and values == rest
            survived += whole and labels.max().item() <= 9
        except DataError:
            survived += 1
    tally("mutants of other IDX files: header, length, labels", tried, survived, SEED)


def test_no_mutant_of_a_packed_file_is_unpacked(
    tmp_path: Path, full: bool, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, files, survived = random.Random(SEED), sound(), 0
    monkeypatch.setattr("mnist_lightning.data.download.FILES", tuple(files))
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    archives = packed(files)
    for name, hashes in hashes_of(files).items():
        monkeypatch.setitem(SHA256, name, hashes)
        monkeypatch.setitem(PACKED_SIZES, name, len(archives[f"{name}.gz"]))
    bombs = [gzip.compress(bytes(10**7)) * 20, packed({"x": files[LABELS]})["x.gz"] * 2]
    tried = 1500 if full else 150
    mirror, raw = tmp_path / "mirror", tmp_path / "raw"
    for folder in (mirror, raw):
        folder.mkdir()
    for number in range(tried):
        victim = draw.choice([IMAGES, LABELS])
        for name in files:
            content = archives[f"{name}.gz"]
            if name == victim:
                content = bombs[number] if number < len(bombs) else mutant(content, draw)
            (mirror / f"{name}.gz").write_bytes(content)
        same = (mirror / f"{victim}.gz").read_bytes() == archives[f"{victim}.gz"]
        try:
            fetch_mnist(raw, mirror.as_uri())
            survived += same
        except DataError:
            survived += not same and not is_intact(raw / victim)
        for path in raw.iterdir():
            path.unlink()
    tally("mutants of packed files", tried, survived, SEED)
