"""Screens, and photographs of them."""

import numpy as np
from paper import SIDE, Digit, Field, Random, crisp, picture, placed, seen
from PIL import Image


def dark_screen(digit: Digit, random: Random) -> Image.Image:
    """Light on dark."""
    return shown(digit, random, random.uniform(10, 60), random.uniform(170, 245))


def light_screen(digit: Digit, random: Random) -> Image.Image:
    """Dark on light."""
    return shown(digit, random, random.uniform(190, 245), random.uniform(15, 80))


def screenshot(digit: Digit, random: Random) -> Image.Image:
    """Smooth strokes of one colour on another, without a camera."""
    dark, light = random.uniform(0, 90, 3), random.uniform(180, 255, 3)
    ground, ink = (dark, light) if random.random() < 0.5 else (light, dark)
    coverage = crisp(placed(digit, random), 9)[..., None]
    return picture(ground + coverage * (ink - ground))


def shown(digit: Digit, random: Random, ground: float, ink: float) -> Image.Image:
    """A screen with its pixels, moiré and a sheen, photographed."""
    tint = random.uniform(0.9, 1.05, 3)
    coverage = crisp(placed(digit, random), 9)[..., None]
    light = (ground + coverage * (ink - ground)) * tint
    light = light * grid(random)[..., None] * (1 + moire(random))
    sheen = random.uniform(0, 35) * np.linspace(0, 1, SIDE)[:, None, None]
    return seen(light + sheen, random, 4)


def grid(random: Random) -> Field:
    """Dark lines between the screen's pixels, a little turned, (SIDE, SIDE)."""
    y, x = np.mgrid[:SIDE, :SIDE]
    turn, pitch = random.uniform(-0.1, 0.1), random.uniform(2.5, 6)
    across, down = (x + turn * y) / pitch, (y - turn * x) / pitch
    depth = random.uniform(0, 0.25)
    waves = np.maximum(np.cos(2 * np.pi * across), np.cos(2 * np.pi * down))
    return np.asarray(1 - depth * waves.clip(0, 1))


def moire(random: Random) -> Field:
    """Bent bands, in each colour others, around 0, (SIDE, SIDE, 3)."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    angle, bands = random.uniform(0, np.pi), random.uniform(4, 40)
    bend, strength = random.uniform(-1, 1, 2), random.uniform(0.02, 0.16)
    along = (
        np.cos(angle) * x + np.sin(angle) * y + bend[0] * x * y + 0.5 * bend[1] * (x * x - y * y)
    )
    shift = random.uniform(0, 0.35, 3) if random.random() < 0.7 else np.zeros(3)
    return np.asarray(strength * np.sin(2 * np.pi * (bands / 2 * along[..., None] + shift)))
