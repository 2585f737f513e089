"""Pictures that need more than grey values of 8 bits to be understood."""

import io

import numpy as np
from drawings import enlarged, inverted
from paper import Digit, Random
from PIL import Image

EXIF_ORIENTATION = 0x0112
# how the sensor saw a scene that EXIF's orientation tells to turn
TURNS = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def with_alpha(digit: Digit, random: Random) -> Image.Image:
    """Ink, dark or light, on nothing."""
    alpha = enlarged(digit, random)
    ink = Image.new("L", alpha.size, int(random.choice([0, 255])))
    return Image.merge("LA", (ink, alpha))


def jpeg(digit: Digit, random: Random) -> Image.Image:
    """Saved as a bad JPEG."""
    file = io.BytesIO()
    inverted(digit, random).convert("RGB").save(file, "JPEG", quality=int(random.integers(10, 30)))
    return Image.open(file)


def turned_by_exif(digit: Digit, random: Random) -> Image.Image:
    """Taken with the camera on its side or head, and marked so."""
    mark = int(random.choice(list(TURNS)))
    picture = inverted(digit, random).transpose(TURNS[mark])
    picture.getexif()[EXIF_ORIENTATION] = mark
    return picture


def sixteen_bit(digit: Digit, random: Random) -> Image.Image:
    """Grey values of 16 bits, not all of whose range is used."""
    return Image.fromarray(np.asarray(inverted(digit, random)).astype(np.uint16) * 180 + 9000)
