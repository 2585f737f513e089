"""Generated handwritten-looking digits, for a first run where MNIST cannot be downloaded.

A digit is a pen's path over the nodes of a 10x10 grid. The nodes are moved at random, the path is
smoothed, bent and slanted, then drawn with a round pen and framed as MNIST's makers framed theirs.
"""

import math
import os
import shutil
import struct
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
MAX_SHIFT = (IMAGE_SIZE - BOX_SIZE) // 2

# How people write each digit. A node is "xy", x to the right and y down; the pen runs smoothly from
# node to node, turns sharply where a node is doubled, and lifts at "/". Strokes that share a node
# stay joined when it moves.
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
SAMPLES_PER_NODE = 3  # pen positions per grid step: under half a pixel apart

# Ranges of variation, as standard deviations unless said otherwise, tuned by eye and by score on
# MNIST's training images.
JITTER = 0.03  # of each node
DRIFT = 0.07  # of whole regions, together
BEND = 0.06  # amplitude of the slow waves that bend the page
UPPER = 0.12  # how much taller the upper part is than the lower
KEYSTONE = 0.15  # how much wider
SLANT = (0.15, 0.27)  # mean and deviation of the shear to the right
ROTATION = 0.10  # radians
ASPECT = (0.95, 0.18)  # mean and deviation of log-normal width by height
PEN_RADIUS = (1.35, 0.28)  # pixels: median and deviation of the logarithm
PRESSURE = 0.2  # how much thinner the pen may get along its path
ROUGH = (0.15, 0.1)
EDGE_SD = 0.3
EDGE = 0.9  # pixels from full ink to none

CHUNK = 500  # digits drawn at once


def render_digits(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one handwritten-looking digit per label.

    Args:
        labels: (N,) int64, [0, 9].
        generator: Source of all randomness; its state alone decides the pictures.

    Returns:
        (N, 28, 28) uint8, [0, 255], background 0.

    Raises:
        ValueError: Labels are not a vector of int64 in [0, 9].
    """
    if labels.ndim != 1 or labels.dtype != torch.int64:
        raise ValueError(f"labels are {labels.dtype}, {labels.ndim}-d: must be a vector of int64")
    if ((labels < 0) | (labels > 9)).any():
        raise ValueError(f"labels span [{labels.min()}, {labels.max()}]: must be in [0, 9]")
    images = torch.empty(len(labels), IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for chunk, out in zip(labels.split(CHUNK), images.split(CHUNK), strict=True):
        paths = _distort(_write(chunk, generator), generator)
        out.copy_(_centre(_ink(paths, generator)))
    return images


def _write(labels: Tensor, generator: torch.Generator) -> Tensor:
    weights, counts = _compile_forms()
    first = counts.cumsum(0) - counts
    pick = torch.rand(len(labels), generator=generator) * counts[labels]
    axis = torch.linspace(-1, 1, 10)
    grid = torch.cartesian_prod(axis, axis)
    nodes = grid + 2 * JITTER * torch.randn(len(labels), 100, 2, generator=generator)
    drift = torch.randn(len(labels), 2, 4, 4, generator=generator)
    drift = F.interpolate(drift, (10, 10), mode="bicubic", align_corners=True)
    nodes = nodes + 2 * DRIFT * drift.flatten(2).transpose(1, 2)
    return weights[first[labels] + pick.long()] @ nodes


@cache
def _compile_forms() -> tuple[Tensor, Tensor]:
    forms = [_compile_form(form) for forms in FORMS for form in forms]
    longest = max(map(len, forms))
    padded = [torch.cat([f, f[-1:].expand(longest - len(f), -1)]) for f in forms]
    return torch.stack(padded), torch.tensor([len(forms) for forms in FORMS])


def _compile_form(form: str) -> Tensor:
    rows: list[Tensor] = []
    for stroke in form.split("/"):
        nodes = [int(node) for node in stroke.split()]
        padded = [nodes[0], nodes[0], *nodes, nodes[-1], nodes[-1]]
        for i in range(len(nodes) + 1):
            rows.append(_spline(padded[i : i + 4]))
        rows.append(torch.eye(100)[nodes[-1:]])
    return torch.cat(rows)


def _spline(nodes: list[int]) -> Tensor:
    """Catmull-Rom."""
    steps = [math.dist(divmod(a, 10), divmod(b, 10)) for a, b in pairwise(nodes)]
    count = math.ceil(SAMPLES_PER_NODE * sum(steps) / 2)
    t = (torch.arange(count) / max(count, 1))[:, None]
    blend = torch.cat(
        [(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3], 1
    )
    return blend / 6 @ torch.eye(100)[nodes]


def _distort(paths: Tensor, generator: torch.Generator) -> Tensor:
    n = len(paths)
    phase = 2 * math.pi * torch.rand(n, 1, 2, generator=generator)
    wave, tilt = torch.randn(2, n, 1, 2, generator=generator)
    paths = paths + 2 * BEND * wave * torch.sin(2 * paths.flip(2) + phase)
    slant = SLANT[0] + SLANT[1] * tilt[..., 0]
    angle = ROTATION * tilt[..., 1]
    aspect = ASPECT[0] * torch.exp(ASPECT[1] * torch.randn(n, 1, generator=generator))
    x, y = paths.unbind(2)
    a, b = torch.randn(2, n, 1, generator=generator)
    x = x * (1 + KEYSTONE * b * y)
    y = y + UPPER * a.clamp(-2, 2) * (1 - y**2)
    x = aspect * x - slant * y
    return torch.stack(
        [x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], dim=2
    )


def _ink(paths: Tensor, generator: torch.Generator) -> Tensor:
    n, s, _ = paths.shape
    radius = PEN_RADIUS[0] * torch.exp(PEN_RADIUS[1] * torch.randn(n, 1, generator=generator))
    phase = 2 * math.pi * torch.rand(n, 1, generator=generator)
    wave = (1 + torch.sin(torch.linspace(0, 6, s) + phase)) / 2
    pen = radius * (1 - PRESSURE * wave)
    low, high = paths.amin(1), paths.amax(1)
    scale = (BOX_SIZE - 2 * radius) / (high - low).amax(1, keepdim=True)
    points = (paths - (low + high)[:, None] / 2) * scale[:, None]
    pixels = (torch.arange(BOX_SIZE) + 0.5 - BOX_SIZE / 2)[:, None]
    across = (pixels - points[:, None, :, 0]) ** 2
    down = (pixels - points[:, None, :, 1]) ** 2 - pen[:, None] ** 2
    power = (across[:, None] + down[:, :, None]).amin(3)
    distance = (power + radius[..., None] ** 2).clamp(min=0).sqrt()
    rough = F.interpolate(
        torch.randn(n, 1, 10, 10, generator=generator), (20, 20), mode="bilinear"
    )[:, 0]
    rough = ROUGH[0] * rough + ROUGH[1] * torch.randn(n, BOX_SIZE, BOX_SIZE, generator=generator)
    edge = EDGE * torch.exp(EDGE_SD * torch.randn(n, 1, 1, generator=generator))
    ink = 0.5 + (radius[..., None] + rough - distance) / edge
    return (255 * ink.clamp(0, 1)).round().to(torch.uint8)


def _centre(boxes: Tensor) -> Tensor:
    """Move each box so that its centre of mass is the picture's centre, to the nearest pixel."""
    places = torch.arange(BOX_SIZE)
    mass = boxes.sum((1, 2))
    rows = (boxes.sum(2) * places).sum(1) / mass
    columns = (boxes.sum(1) * places).sum(1) / mass
    canvas = torch.zeros(len(boxes), IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    middle = (IMAGE_SIZE - 1) / 2
    top = (middle - rows).round().long().clamp(0, 2 * MAX_SHIFT)[:, None, None]
    left = (middle - columns).round().long().clamp(0, 2 * MAX_SHIFT)[:, None, None]
    each = torch.arange(len(boxes))[:, None, None]
    canvas[each, top + places[:, None], left + places] = boxes
    return canvas


def write_synthetic(
    raw_dir: Path, sizes: tuple[int, int] = (60_000, 10_000), seed: int = 0
) -> None:
    """Write generated training and test sets as MNIST's four unpacked IDX files.

    Args:
        raw_dir: Folder to create; an existing one is left as it is.
        sizes: Number of training and of test images.
        seed: Decides every picture; training and test images come from different streams.

    Raises:
        ValueError: A size is below 1.
    """
    if min(sizes) < 1:
        raise ValueError(f"sizes are {sizes}: must be at least 1")
    raw_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=raw_dir.parent, prefix=f".{raw_dir.name}-", ignore_cleanup_errors=True
    ) as temporary:
        for i, (prefix, size) in enumerate(zip(("train", "t10k"), sizes, strict=True)):
            generator = torch.Generator().manual_seed(2 * seed + i)
            labels = torch.randint(10, (size,), generator=generator)
            _write_idx(Path(temporary) / f"{prefix}-labels-idx1-ubyte", labels.to(torch.uint8))
            images = render_digits(labels, generator)
            _write_idx(Path(temporary) / f"{prefix}-images-idx3-ubyte", images)
        try:
            os.replace(temporary, raw_dir)
        except OSError:
            if not raw_dir.is_dir():
                raise


def _write_idx(path: Path, values: Tensor) -> None:
    header = struct.pack(f">{values.ndim + 1}i", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(header + bytes(values.flatten().tolist()))
