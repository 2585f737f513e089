"""Generated handwritten-looking digits, for a first run where MNIST cannot be downloaded.

A digit is a pen's path over the nodes of a 10x10 grid. The nodes are moved at random, the path is
smoothed, bent and slanted, then inked with a round pen and framed as MNIST's makers framed theirs.
"""

import math
import os
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

VERSION = 1  # part of the cache folder's name: raise it whenever the pictures change

IMAGE_SIZE = 28
BOX_SIZE = 20  # LeCun et al. (1998), yann.lecun.com/exdb/mnist: digits fit a 20x20 box
GRID_SIZE = 10
CHUNK = 500  # digits drawn at once, which bounds the memory

# How people write 0, 1, ... 9. A node is "xy", x to the right and y down. The pen passes near the
# nodes in a smooth curve, turns sharply where one is repeated, and lifts at "/". Strokes that share
# a node stay joined when it moves.
FORMS: tuple[tuple[str, ...], ...] = (
    (  # 0
        "50 21 14 27 49 78 85 72 50 21",  # oval
        "50 21 05 28 49 78 95 71 50 21",  # round
        "62 41 13 06 28 49 78 85 72 50 30",  # ends cross at the top
        "41 13 06 28 49 78 96 83 61",  # open at the top
    ),
    (  # 1
        "50 54 59",  # stick
        "51 53 57 58",  # stick
        "32 50 50 59",  # flag
        "32 50 50 59 / 29 79",  # flag and base
    ),
    (  # 2
        "12 30 60 82 65 38 19 08 17 38 69 98",  # loop
        "23 21 50 81 74 47 19 08 17 47 89",  # hooked top and flat loop
        "14 11 50 82 75 48 18 06 25 57 99",  # large loop
        "12 30 60 82 65 29 29 29 89",  # sharp corner
        "12 30 61 73 55 28 19 19 48 89",  # curved base
    ),
    (  # 3
        "11 40 71 73 44 44 75 78 49 18",  # round
        "10 70 70 44 44 75 78 49 18",  # flat top
        "10 70 70 34 34 65 77 59 19",  # like a z
        "11 40 71 73 44 35 54 76 78 49 18",  # loop in the middle
        "11 40 71 63 44 44 65 77 59",  # ends at the bottom right
    ),
    (  # 4
        "10 15 15 85 / 70 79",  # open
        "20 14 25 65 82 / 80 69",  # open, curved like a y
        "30 15 15 75 / 71 58",  # bar ends at the stem
        "60 15 15 15 95 / 60 69",  # closed
    ),
    (  # 5
        "81 21 21 14 14 44 75 77 49 18",  # one stroke
        "20 20 14 14 53 75 77 49 18 / 20 20 80",  # separate cap
        "90 40 40 34 34 65 67 49 18",  # long cap, small bowl
        "70 30 30 14 43 74 77 59 28 17",  # the bowl nearly closes
        "80 50 23 34 65 77 59 29",  # like an S
    ),
    (  # 6
        "60 33 16 28 59 77 65 45 17 28",  # curved
        "50 23 16 28 49 68 56 36 18 29",  # narrow
        "40 33 26 28 49 57 46 37 28",  # small loop
        "30 13 06 28 59 88 86 64 35 18",  # large loop
        "60 24 17 49 78 76 55 36 47",  # the end curls inside
    ),
    (  # 7
        "11 81 81 81 49",  # plain
        "12 30 61 72 64 49",  # curved
        "11 81 81 81 49 / 35 75",  # crossbar
        "13 11 11 81 81 49 / 25 75",  # hook and crossbar
        "14 12 31 71 71 64 59",  # hook, upright
    ),
    (  # 8
        "71 40 22 44 66 68 49 27 36 54 73 71 40",  # one stroke
        "81 50 22 34 66 58 39 27 45 82",  # open at the top
        "50 22 44 63 50 22 / 44 26 49 77 44 26",  # two circles
        "50 21 33 65 67 49 37 55 82 50 21",  # small lower loop
    ),
    (  # 9
        "81 50 23 45 73 81 81 79",  # straight tail
        "72 50 23 35 64 72 75 68 39",  # curved tail
        "81 50 12 05 27 56 83 81 81 79",  # large loop
        "81 50 22 24 54 74 74 59",  # loop left open
        "70 40 13 25 54 70 70 69",  # like an a
        "61 40 22 34 63 71 68 49 27",  # like a g
    ),
)
SAMPLES_PER_STEP = 3  # pen positions per grid step: nearer to each other than the pen's radius

# Ranges of variation: standard deviations unless said otherwise, in units of the digit's half
# height or of the final pixels. Tuned by eye and by score on MNIST's training images.
JITTER = 0.06  # of each node alone
DRIFT = 0.14  # of neighbouring nodes together
BEND = 0.12  # of the slow waves that bend the page
UPPER = 0.12  # how much taller the upper half is than the lower
KEYSTONE = 0.15  # how much wider the lower half is than the upper
SLANT = (0.15, 0.27)  # mean and deviation of the shear to the right
ROTATION = 0.10  # radians
WIDTH = (0.95, 0.18)  # median and log-deviation of the width by the height
PEN_RADIUS = (1.35, 0.28)  # pixels: median and log-deviation
PRESSURE = 0.2  # largest share by which the pen thins along its path
ROUGHNESS = 0.15  # pixels by which the ink's outline strays
EDGE = (0.9, 0.3)  # pixels from full ink to none: median and log-deviation


def render_digits(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one handwritten-looking digit per label.

    Args:
        labels: (N,) int64, [0, 9].
        generator: Source of all randomness; its state alone decides the pictures.

    Returns:
        (N, 28, 28) uint8, [0, 255], background 0.

    Raises:
        ValueError: Labels are no vector of int64, or one is outside [0, 9].
    """
    if labels.ndim != 1 or labels.dtype != torch.int64:
        raise ValueError(f"labels are {labels.ndim}-d {labels.dtype}: must be a vector of int64")
    if ((labels < 0) | (labels >= len(FORMS))).any():
        raise ValueError(f"labels span {labels.min()} to {labels.max()}: must be 0 to 9")
    images = torch.empty(len(labels), IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for start in range(0, len(labels), CHUNK):
        paths = _deform(_write(labels[start : start + CHUNK], generator), generator)
        images[start : start + CHUNK] = _centre(_ink(paths, generator))
    return images


def write_synthetic(
    raw_dir: Path, sizes: tuple[int, int] = (60_000, 10_000), seed: int = 0
) -> None:
    """Write generated training and test sets as MNIST's four unpacked IDX files.

    The folder appears complete or not at all. Where another process made it meanwhile, theirs
    stays.

    Args:
        raw_dir: Folder to create, with its parents.
        sizes: Number of training and of test images.
        seed: Decides every picture; training and test set come from different streams.

    Raises:
        ValueError: A size is below 1.
    """
    if min(sizes) < 1:
        raise ValueError(f"sizes are {sizes}: must be at least 1")
    raw_dir.parent.mkdir(parents=True, exist_ok=True)
    # A sibling is on the same file system, where a rename is atomic.
    with tempfile.TemporaryDirectory(dir=raw_dir.parent, prefix=f".{raw_dir.name}-") as temporary:
        folder = Path(temporary) / raw_dir.name  # the outer one is closed to other users
        folder.mkdir()
        for stream, (name, size) in enumerate(zip(("train", "t10k"), sizes, strict=True)):
            generator = torch.Generator().manual_seed(2 * seed + stream)
            labels = torch.randint(len(FORMS), (size,), generator=generator)
            images = render_digits(labels, generator)
            _write_idx(folder / f"{name}-images-idx3-ubyte", images)
            _write_idx(folder / f"{name}-labels-idx1-ubyte", labels)
        try:
            os.replace(folder, raw_dir)
        except OSError:
            if not raw_dir.is_dir():
                raise


def _write_idx(path: Path, values: Tensor) -> None:
    """Write bytes in the IDX format of yann.lecun.com/exdb/mnist: type, rank, sizes, values."""
    unsigned_byte = 8
    with path.open("wb") as file:
        for number in (unsigned_byte << 8 | values.ndim, *values.shape):
            file.write(number.to_bytes(4, "big"))
        for chunk in values.split(CHUNK):
            file.write(bytes(chunk.flatten().tolist()))


def _write(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Trace a random form of each label over its own moved grid: (N, S, 2) float, about [-1, 1]."""
    weights, counts = _compile_forms()
    first = counts.cumsum(0) - counts
    form = (
        first[labels] + torch.randint(1 << 16, labels.shape, generator=generator) % counts[labels]
    )
    axis = torch.linspace(-1, 1, GRID_SIZE)
    jitter = torch.randn(len(labels), GRID_SIZE**2, 2, generator=generator)
    coarse = torch.randn(len(labels), 2, 4, 4, generator=generator)
    drift = F.interpolate(coarse, (GRID_SIZE, GRID_SIZE), mode="bicubic", align_corners=True)
    moved = JITTER * jitter + DRIFT * drift.flatten(2).transpose(1, 2)
    return weights[form] @ (torch.cartesian_prod(axis, axis) + moved)


@cache
def _compile_forms() -> tuple[Tensor, Tensor]:
    """Turn FORMS into weights of the grid's nodes, as a pen position is linear in them.

    Returns:
        (forms, S, 100) float, [0, 1], short forms resting at their end; (10,) int64, the number of
        forms of each digit.
    """
    paths = [_compile_form(form) for forms in FORMS for form in forms]
    weights = torch.nn.utils.rnn.pad_sequence(paths, batch_first=True)
    for path, padded in zip(paths, weights, strict=True):
        padded[len(path) :] = path[-1]
    return weights, torch.tensor([len(forms) for forms in FORMS])


def _compile_form(form: str) -> Tensor:
    """Sample a form's uniform cubic B-splines: (positions, 100) float weights of the nodes."""
    one_hot = torch.eye(GRID_SIZE**2)
    positions: list[Tensor] = []
    for stroke in form.split("/"):
        inner = [int(node) for node in stroke.split()]
        # Three equal nodes in a row are where such a spline passes exactly: the stroke's ends.
        nodes = [inner[0]] * 2 + inner + [inner[-1]] * 2
        for i in range(len(nodes) - 3):
            near = nodes[i : i + 4]
            steps = [math.dist(divmod(a, 10), divmod(b, 10)) for a, b in pairwise(near)]
            t = torch.linspace(0, 1, 2 + math.ceil(SAMPLES_PER_STEP * sum(steps) / 2))[:-1, None]
            basis = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3
            positions.append(torch.cat(basis, dim=1) / 6 @ one_hot[near])
        positions.append(one_hot[inner[-1:]])
    return torch.cat(positions)


def _deform(paths: Tensor, generator: torch.Generator) -> Tensor:
    """Bend, stretch, slant and rotate each (S, 2) path as a whole."""

    def normal() -> Tensor:
        return torch.randn(len(paths), 1, generator=generator)

    phase = 2 * math.pi * torch.rand(len(paths), 1, 2, generator=generator)
    waves = torch.sin(2 * paths.flip(2) + phase)
    x, y = (paths + BEND * torch.stack([normal(), normal()], dim=2) * waves).unbind(2)
    x = x * (1 + KEYSTONE * normal() * y) * WIDTH[0] * torch.exp(WIDTH[1] * normal())
    y = y + UPPER * normal() * (1 - y**2)
    x = x - (SLANT[0] + SLANT[1] * normal()) * y  # y points down, so the top goes to the right
    angle = ROTATION * normal()
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=2)


def _ink(paths: Tensor, generator: torch.Generator) -> Tensor:
    """Draw (N, S, 2) paths, scaled so that the ink fills the box: (N, 20, 20) uint8."""
    n, positions, _ = paths.shape
    spread = torch.randn(2, n, 1, 1, generator=generator)
    radius = PEN_RADIUS[0] * torch.exp(PEN_RADIUS[1] * spread[0])
    edge = EDGE[0] * torch.exp(EDGE[1] * spread[1])
    phase = 2 * math.pi * torch.rand(n, 1, generator=generator)
    wave = torch.sin(torch.linspace(0, 2 * math.pi, positions) + phase)
    pen = radius[:, 0] * (1 - PRESSURE * (1 + wave) / 2)

    low, high = paths.amin(1, keepdim=True), paths.amax(1, keepdim=True)
    scale = (BOX_SIZE - 2 * radius) / (high - low).amax(2, keepdim=True)
    x, y = ((paths - (low + high) / 2) * scale).unbind(2)
    pixels = torch.arange(BOX_SIZE)[:, None] - (BOX_SIZE - 1) / 2
    # The squared distance less the squared radius splits into a part per column and one per row.
    columns = (pixels - x[:, None]) ** 2
    rows = (pixels - y[:, None]) ** 2 - pen[:, None] ** 2
    nearest = (rows[:, :, None] + columns[:, None]).amin(3)
    distance = (nearest + radius**2).clamp(min=0).sqrt() - radius
    rough = ROUGHNESS * torch.randn(distance.shape, generator=generator)
    return (255 * (0.5 - (distance + rough) / edge).clamp(0, 1)).round().to(torch.uint8)


def _centre(boxes: Tensor) -> Tensor:
    """Place boxes so that their centre of mass is the picture's centre, to the nearest pixel.

    LeCun et al. (1998) centre MNIST's digits in this way, too.
    """
    n, size, _ = boxes.shape
    places = torch.arange(size)
    mass = boxes.sum((1, 2)).clamp(min=1)
    corners = []
    for along in (2, 1):
        mean = (boxes.sum(along) * places).sum(1) / mass  # integer sums: exact in any order
        corner = ((IMAGE_SIZE - 1) / 2 - mean).round().long().clamp(0, IMAGE_SIZE - size)
        corners.append(corner[:, None, None])
    images = torch.zeros(n, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    each = torch.arange(n)[:, None, None]
    images[each, corners[0] + places[:, None], corners[1] + places] = boxes
    return images
