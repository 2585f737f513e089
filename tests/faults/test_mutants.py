"""Data files that are not what they should be."""

import gzip
import random
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Tally
from mirrors import packed, stand_in, stand_ins, write

from mnist_lightning.data.source import Source
from mnist_lightning.errors import DataError

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
SEED = 0
FILES = {name: content for name, content in stand_ins().items() if name.startswith("t10k")}
IMAGES, LABELS = FILES
HEADERS = {IMAGES: 16, LABELS: 8}
KNOWN = replace(stand_in(FILES, "file:///nowhere"), folder="", sizes={"t10k": 50})
UNKNOWN = replace(KNOWN, files={})


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


def read(source: Source, folder: Path) -> dict[str, bytes] | None:
    """What comes of the test split, without headers; None if it is refused."""
    try:
        images, labels = source.read(folder, train=False)
    except DataError:
        return None
    return {IMAGES: images.numpy().tobytes(), LABELS: bytes(labels.tolist())}


def test_no_mutant_of_an_official_file_is_read(tmp_path: Path, full: bool, tally: Tally) -> None:
    draw, survived, tried = random.Random(SEED), 0, 2000 if full else 200
    for _ in range(tried):
        victim = draw.choice([IMAGES, LABELS])
        bad = mutant(FILES[victim], draw)
        write(tmp_path, {**FILES, victim: bad})
        survived += (read(KNOWN, tmp_path) is not None) == (bad == FILES[victim])
    tally("mutants of official IDX files", tried, survived, SEED)


def test_of_other_files_no_wrong_header_length_or_label_is_read(
    tmp_path: Path, full: bool, tally: Tally
) -> None:
    draw, survived, tried = random.Random(SEED), 0, 1500 if full else 150
    for number in range(tried):
        victim = draw.choice([IMAGES, LABELS])
        header, rest = FILES[victim][: HEADERS[victim]], FILES[victim][HEADERS[victim] :]
        if number % 3:
            rest = mutant(rest, draw)
        else:
            header = mutant(header, draw)
        given = header + rest
        write(tmp_path, {**FILES, victim: given})
        sound = given.startswith(FILES[victim][: HEADERS[victim]])
        sound &= len(given) == len(FILES[victim]) and (victim == IMAGES or max(rest) <= 9)
        came = read(UNKNOWN, tmp_path)
        survived += came[victim] == given[HEADERS[victim] :] if came else not sound
    tally("mutants of other IDX files: header, length, labels", tried, survived, SEED)


def test_no_mutant_of_a_packed_file_is_unpacked(tmp_path: Path, full: bool, tally: Tally) -> None:
    draw, survived, tried = random.Random(SEED), 0, 1500 if full else 150
    archives = packed(FILES)
    bombs = [gzip.compress(bytes(10**7)) * 20, packed({"x": FILES[LABELS]})["x.gz"] * 2]
    mirror = tmp_path / "mirror"
    for number in range(tried):
        victim = draw.choice(list(archives))
        bad = bombs[number] if number < len(bombs) else mutant(archives[victim], draw)
        write(mirror, {**archives, victim: bad})
        folder = tmp_path / str(number)
        try:
            KNOWN.prepare(folder, mirror.as_uri())
            survived += bad == archives[victim]
        except DataError:
            survived += bad != archives[victim] and not (folder / victim[:-3]).exists()
    tally("mutants of packed files", tried, survived, SEED)
