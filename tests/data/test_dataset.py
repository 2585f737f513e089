"""Images in memory: scaled, augmented, one by one and by batches."""

import pytest
import torch

from mnist_lightning.data.augmentation import Augmentation
from mnist_lightning.data.dataset import ImageDataset, Scaling

IMAGES = torch.arange(4 * 784).reshape(4, 1, 28, 28).remainder(256).to(torch.uint8)
LABELS = torch.tensor([5, 0, 4, 1])


# the ends of the range, and MNIST's mean and standard deviation as published
@pytest.mark.parametrize(
    ("scaling", "low", "high"), [(Scaling(), 0, 1), (Scaling(0.1307, 0.3081), -0.4242, 2.8215)]
)
def test_scales_to_float32(scaling: Scaling, low: float, high: float) -> None:
    scaled = scaling(torch.tensor([0, 255], dtype=torch.uint8))
    assert scaled.dtype == torch.float32
    assert scaled.tolist() == pytest.approx([low, high], abs=1e-4)


def test_a_sample_is_an_image_and_its_label() -> None:
    image, label = ImageDataset(IMAGES, LABELS)[2]
    assert (image.shape, image.dtype, label.dtype) == ((1, 28, 28), torch.float32, torch.int64)
    torch.testing.assert_close(image, IMAGES[2] / 255)
    assert label == 4


def test_augmentation_moves_before_the_scale_shifts_black() -> None:
    """What comes in from beyond the edge is black, whatever black is scaled to."""
    white = torch.full((1, 1, 28, 28), 255, dtype=torch.uint8)
    data = ImageDataset(white, LABELS[:1], Scaling(0.5, 0.5), Augmentation(0, 9.0, 0.0, 0.0, 0.0))
    image, _ = data[0]
    assert [image.min().item(), image.max().item()] == [-1, 1]
