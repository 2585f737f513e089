"""Things like hands: skin-coloured palms with fingers, in many poses, before a background."""

import numpy as np
from numpy.typing import NDArray
from paper import SIDE, Random, clouds, seen
from PIL import Image, ImageDraw
from scipy import ndimage
from textures import texture_field

SKINS = ([235, 195, 170], [220, 170, 140], [190, 135, 100], [140, 95, 70], [90, 60, 45])
# of each finger from the thumb: the angle at the palm, the length and width in palms
FINGERS = ((-65, 0.75, 0.3), (-22, 1.0, 0.24), (-6, 1.1, 0.25), (9, 1.0, 0.24), (25, 0.8, 0.2))


def hand(random: Random) -> Image.Image:
    """One hand; its arm reaches out of the picture."""
    palm, turn = random.uniform(80, 150), random.uniform(0, 360)
    middle = random.uniform(0.35, 0.65, 2) * SIDE
    cover, lines = (Image.new("L", (SIDE, SIDE)) for _ in range(2))
    mirrored = random.choice([-1, 1])
    for angle, length, width in FINGERS:
        held = random.uniform(0.35, 0.6) if random.random() < 0.45 else random.uniform(0.85, 1.1)
        angle = turn + mirrored * (angle + random.normal(0, 5))
        joints = _joints(middle, angle, palm * length * held, palm, random)
        _limb(cover, joints, palm * width, 255)
        _outline(lines, joints, palm * width)
    wrist = [middle, middle - SIDE * 1.2 * _heading(turn + random.normal(0, 8))]
    _limb(cover, wrist, palm * 0.8, 255)
    _limb(cover, [middle - 0.1 * palm, middle + 0.1 * palm], palm * 1.05, 255)
    return _lit(cover, lines, random)


def _heading(degrees: float) -> NDArray[np.float64]:
    return np.array([np.sin(np.radians(degrees)), -np.cos(np.radians(degrees))])


def _joints(
    middle: NDArray[np.float64], angle: float, length: float, palm: float, random: Random
) -> list[NDArray[np.float64]]:
    """Where a finger begins, bends twice, and ends."""
    joints = [middle + 0.42 * palm * _heading(angle)]
    for share in (0.45, 0.3, 0.25):
        joints.append(joints[-1] + share * length * _heading(angle))
        angle += random.normal(0, 7)
    return joints


def _limb(sheet: Image.Image, joints: list[NDArray[np.float64]], width: float, value: int) -> None:
    pen, half = ImageDraw.Draw(sheet), width / 2
    pen.line([tuple(joint) for joint in joints], fill=value, width=int(width))
    for x, y in joints:
        pen.ellipse([x - half, y - half, x + half, y + half], fill=value)


def _outline(sheet: Image.Image, joints: list[NDArray[np.float64]], width: float) -> None:
    """The edge of a finger and the folds at its joints."""
    inner = Image.new("L", sheet.size)
    _limb(inner, joints, width, 255)
    solid = np.asarray(inner) > 0
    edge = solid & ~ndimage.binary_erosion(solid, iterations=2)
    sheet.paste(200, mask=Image.fromarray(edge))
    for x, y in joints[1:3]:
        ImageDraw.Draw(sheet).arc(
            [x - width / 3, y - width / 3, x + width / 3, y + width / 3], 20, 160, 120, 2
        )


def _lit(cover: Image.Image, lines: Image.Image, random: Random) -> Image.Image:
    """Skin, round in the light, before a background."""
    solid = ndimage.gaussian_filter(np.asarray(cover) / 255, 1.0)
    depth = ndimage.distance_transform_edt(solid > 0.5)
    side = ndimage.gaussian_filter(depth, 3)
    light = 0.8 + 0.25 * (depth / 30).clip(0, 1) ** 0.5
    light += 0.12 * np.tanh(ndimage.sobel(side, int(random.integers(2))) / 8) + 0.02 * clouds(
        random, 2
    )
    creases = ndimage.gaussian_filter(np.asarray(lines) / 255, 1.2) * random.uniform(0.25, 0.5)
    skin = np.array(SKINS[random.integers(len(SKINS))]) * (light * (1 - creases))[..., None]
    away = ndimage.gaussian_filter(np.roll(solid, random.integers(-12, 13, 2), (0, 1)), 8)
    ground = texture_field(random) * (1 - random.uniform(0, 0.4) * away)[..., None]
    scene = ground * (1 - solid[..., None]) + skin * solid[..., None]
    return seen(ndimage.gaussian_filter(scene, (0.8, 0.8, 0)), random)
