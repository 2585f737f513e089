"""Generated handwritten-looking digits, for a first run where MNIST cannot be downloaded.

A digit is a pen's path over the nodes of a 10x10 grid. The nodes are moved at random, the path is
smoothed, bent and slanted, then inked with a round pen and framed as MNIST's makers framed theirs.
"""

import math
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_lightning.data.idx import write_idx

VERSION = 1  # part of the cache folder's name: raise it whenever the pictures change
IMAGE_SIZE = 28
BOX_SIZE = 20  # LeCun et al. (1998), yann.lecun.com/exdb/mnist: digits fit a 20x20 box
GRID_SIZE = 10
CHUNK = 500  # digits drawn at once, which bounds the memory

# How people write 0, 1, ... 9. A node is "xy", x to the right and y down. The pen passes near the
# nodes in a smooth curve, turns sharply where one is repeated, and lifts at "/". Strokes that share
# a node stay joined when it moves. "|" parts the forms, which are equally frequent.
FORMS = (
    # 0: oval; round; narrow; ends cross at the top; end hangs inside; open at the top
    "50 21 14 27 49 78 85 72 50 21 | 50 21 05 28 49 78 95 71 50 21 | "
    "50 32 25 27 49 67 75 62 50 32 | 62 41 13 06 28 49 78 85 72 50 30 | "
    "61 41 13 06 28 49 78 85 72 51 33 | 41 13 06 28 49 78 96 83 61",
    # 1: stick; bent stick; flag; steep flag; flag and base
    "50 54 59 | 51 53 57 58 | 32 50 50 59 | 34 50 50 59 | 32 50 50 59 / 29 79",
    # 2: loop; hooked top, flat loop; large loop; sharp corner; curved base; narrow loop; small head
    "12 30 60 82 65 38 19 08 17 38 69 98 | 23 21 50 81 74 47 19 08 17 47 89 | "
    "14 11 50 82 75 48 18 06 25 57 99 | 12 30 60 82 65 29 29 29 89 | "
    "12 30 61 73 55 28 19 19 48 89 | 22 40 62 55 38 18 26 58 88 | 32 41 62 54 37 18 08 17 48 98",
    # 3: round; flat top; like a z; loop in the middle; ends at the bottom right; large bowl
    "11 40 71 73 44 44 75 78 49 18 | 10 70 70 44 44 75 78 49 18 | 10 70 70 34 34 65 77 59 19 | "
    "11 40 71 73 44 35 54 76 78 49 18 | 11 40 71 63 44 44 65 77 59 | "
    "21 50 62 44 33 54 86 78 49 08",
    # 4: open; curved; bar ends at the stem; short stem across; closed
    "10 15 15 85 / 70 79 | 20 14 25 65 82 / 80 69 | 30 15 15 75 / 71 58 | 30 15 15 95 / 52 48 | "
    "60 15 15 15 95 / 60 69",
    # 5: one stroke; separate cap; long cap, small bowl; narrow bowl; bowl nearly closed; like an S
    "81 21 21 14 14 44 75 77 49 18 | 20 20 14 14 53 75 77 49 18 / 20 20 80 | "
    "90 40 40 34 34 65 67 49 18 | 90 50 24 24 54 66 48 19 | 70 30 30 14 43 74 77 59 28 17 | "
    "80 50 23 34 65 77 59 29",
    # 6: curved; narrow; small loop; large loop; wide; low loop; end curls inside
    "60 33 16 28 59 77 65 45 17 28 | 50 23 16 28 49 68 56 36 18 29 | "
    "40 33 26 28 49 57 46 37 28 | 30 13 06 28 59 88 86 64 35 18 | 61 23 07 29 69 97 75 45 26 | "
    "20 12 05 28 59 88 85 64 45 28 | 60 24 17 49 78 76 55 36 47",
    # 7: plain; curved; crossbar; hook and crossbar; deep hook; upright
    "11 81 81 81 49 | 12 30 61 72 64 49 | 11 81 81 81 49 / 35 75 | 13 11 11 81 81 49 / 25 75 | "
    "14 10 10 81 81 49 | 14 12 31 71 71 64 59",
    # 8: one stroke; open at the top; narrow lower loop; two circles; small lower loop
    "71 40 22 44 66 68 49 27 36 54 73 71 40 | 81 50 22 34 66 58 39 27 45 82 | "
    "81 50 22 34 56 58 48 37 45 63 81 | 50 22 44 63 50 22 / 44 26 49 77 44 26 | "
    "50 21 33 65 67 49 37 55 82 50 21",
    # 9: straight tail; curved tail; large loop; small loop; loop left open; like an a; like a g
    "81 50 23 45 73 81 81 79 | 72 50 23 35 64 72 75 68 39 | 81 50 12 05 27 56 83 81 81 79 | "
    "61 40 32 44 62 60 58 | 81 50 22 24 54 74 74 59 | 70 40 13 25 54 70 70 69 | "
    "61 40 22 34 63 71 68 49 27",
)
SAMPLES_PER_STEP = 3  # pen positions per grid step: nearer to each other than the pen's radius
# Ranges of variation as standard deviations, in units of the digit's half height or of the final
# pixels; pairs are a median and the deviation of the logarithm. Tuned on MNIST's training images.
JITTER = 0.06  # of each node alone
DRIFT = 0.14  # of neighbouring nodes together
BEND = 0.12  # of the slow waves that bend the page
UPPER = 0.15  # how much taller the upper half is than the lower
KEYSTONE = 0.15  # how much wider the lower half is than the upper
SLANT = (0.15, 0.28)  # mean and deviation of the lean to the right
ROTATION = 0.12  # radians
WIDTH = (0.95, 0.18)  # by the height
PEN_RADIUS = (1.45, 0.30)  # pixels
PRESSURE = 0.25  # largest share by which the pen thins along its path
ROUGHNESS = 0.2  # pixels by which the ink's outline strays
EDGE = (0.9, 0.3)  # pixels from full ink to none


def render_digits(
    labels: Tensor,
    generator: torch.Generator,
    forms: tuple[str, ...] = FORMS,
    pen_radius: tuple[float, float] = PEN_RADIUS,
) -> Tensor:
    """Draw a digit per label, (N,) int64, as the generator decides: (N, 28, 28) uint8, ground 0.

    Args:
        labels: Indices into ``forms``.
        generator: Decides the form, its deformation and the pen.
        forms: Of each label, written as ``FORMS`` are.
        pen_radius: Median in pixels, and deviation of its logarithm.
    """
    images = torch.zeros(len(labels), IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for i in range(0, len(labels), CHUNK):
        paths = _deform(_trace(labels[i : i + CHUNK], generator, forms), generator)
        _place(_ink(paths, generator, pen_radius), images[i : i + CHUNK])
    return images


def write_synthetic(folder: Path, sizes: Mapping[str, int]) -> None:
    """Write splits of these sizes as IDX files with MNIST's names; always the same pictures."""
    for seed, (split, size) in enumerate(sizes.items()):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.randint(len(FORMS), (size,), generator=generator)
        write_idx(folder / f"{split}-images-idx3-ubyte", render_digits(labels, generator))
        write_idx(folder / f"{split}-labels-idx1-ubyte", labels)


def _trace(labels: Tensor, generator: torch.Generator, forms: tuple[str, ...]) -> Tensor:
    """Trace a random form of each label over its own moved grid: (N, S, 2) float, about [-1, 1]."""
    weights, counts = _compile(forms)
    n, first = len(labels), counts.cumsum(0) - counts
    choice = torch.randint(1 << 16, (n,), generator=generator) % counts[labels]
    axis = torch.linspace(-1, 1, GRID_SIZE)
    jitter = torch.randn(n, GRID_SIZE**2, 2, generator=generator)
    coarse = torch.randn(n, 2, 4, 4, generator=generator)
    drift = F.interpolate(coarse, (GRID_SIZE, GRID_SIZE), mode="bicubic", align_corners=True)
    moved = JITTER * jitter + DRIFT * drift.flatten(2).transpose(1, 2)
    return weights[first[labels] + choice] @ (torch.cartesian_prod(axis, axis) + moved)


@cache
def _compile(forms: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """Compile forms, as pen positions are linear in the nodes: their weights, (forms, S, 100).

    Short forms rest at their end. Second comes the number of forms of each label, (L,) int64.
    """
    labels = [label.split(" | ") for label in forms]
    paths = [_sample(form) for label in labels for form in label]
    longest = max(len(path) for path in paths)
    rested = [torch.cat([path, path[-1:].expand(longest - len(path), -1)]) for path in paths]
    return torch.stack(rested), torch.tensor([len(label) for label in labels])


def _sample(form: str) -> Tensor:
    """Sample a form's uniform cubic B-splines: (positions, 100) float weights of the nodes."""
    one_hot = torch.eye(GRID_SIZE**2)
    positions: list[Tensor] = []
    for stroke in form.split("/"):
        inner = [int(node) for node in stroke.split()]
        # Where three nodes in a row are equal the spline passes exactly: so it reaches its ends.
        nodes = [inner[0]] * 2 + inner + [inner[-1]] * 2
        for i in range(len(nodes) - 3):
            near = nodes[i : i + 4]
            steps = sum(math.dist(divmod(a, 10), divmod(b, 10)) for a, b in pairwise(near))
            t = torch.linspace(0, 1, 2 + math.ceil(SAMPLES_PER_STEP * steps / 2))[:-1, None]
            basis = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3
            positions.append(torch.cat(basis, dim=1) / 6 @ one_hot[near])
    return torch.cat(positions)


def _deform(paths: Tensor, generator: torch.Generator) -> Tensor:
    """Bend, stretch, slant and rotate each (S, 2) path as a whole."""
    n = len(paths)
    phase = 2 * math.pi * torch.rand(n, 1, 2, generator=generator)
    bend = BEND * torch.randn(n, 1, 2, generator=generator) * torch.sin(2 * paths.flip(2) + phase)
    x, y = (paths + bend).unbind(2)
    keystone, width, upper, slant, angle = torch.randn(5, n, 1, generator=generator)
    x = x * (1 + KEYSTONE * keystone * y) * WIDTH[0] * torch.exp(WIDTH[1] * width)
    y = y + UPPER * upper * (1 - y**2)
    x = x - (SLANT[0] + SLANT[1] * slant) * y  # y points down: the top goes to the right
    cos, sin = torch.cos(ROTATION * angle), torch.sin(ROTATION * angle)
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=2)


def _ink(paths: Tensor, generator: torch.Generator, pen_radius: tuple[float, float]) -> Tensor:
    """Draw (N, S, 2) paths, scaled so that the ink fills the box: (N, 20, 20) uint8."""
    n, length, _ = paths.shape
    spread = torch.randn(2, n, 1, 1, generator=generator)
    radius = pen_radius[0] * torch.exp(pen_radius[1] * spread[0])
    edge = EDGE[0] * torch.exp(EDGE[1] * spread[1])
    phase = 2 * math.pi * (torch.rand(n, 1, generator=generator) + torch.linspace(0, 1, length))
    pen = radius[:, 0] * (1 - PRESSURE * (1 + torch.sin(phase)) / 2)
    low, high = paths.amin(1, keepdim=True), paths.amax(1, keepdim=True)
    scale = (BOX_SIZE - 2 * radius) / (high - low).amax(2, keepdim=True)
    x, y = ((paths - (low + high) / 2) * scale).unbind(2)
    pixels = torch.arange(BOX_SIZE)[:, None] - (BOX_SIZE - 1) / 2
    # The squared distance less the pen's squared radius is a sum of a column's and a row's part.
    columns = (pixels - x[:, None]) ** 2
    rows = (pixels - y[:, None]) ** 2 - pen[:, None] ** 2
    nearest = (rows[:, :, None] + columns[:, None]).amin(3)
    distance = (nearest + radius**2).clamp(min=0).sqrt() - radius
    distance += ROUGHNESS * torch.randn(distance.shape, generator=generator)
    return (255 * (0.5 - distance / edge).clamp(0, 1)).round().to(torch.uint8)


def _place(boxes: Tensor, images: Tensor) -> None:
    """Copy boxes into images, the centre of mass nearest the middle, as MNIST's makers did."""
    places = torch.arange(BOX_SIZE)
    # (2, N, 20) integers, so that no order of summing changes a picture
    marginals = torch.stack([boxes.sum(2), boxes.sum(1)])
    means = (marginals * places).sum(2, keepdim=True) / marginals.sum(2, keepdim=True)
    corners = ((IMAGE_SIZE - 1) / 2 - means).round().long().clamp(0, IMAGE_SIZE - BOX_SIZE)
    rows, columns = corners + places
    images[torch.arange(len(boxes))[:, None, None], rows[:, :, None], columns[:, None]] = boxes
