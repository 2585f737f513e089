"""Classifier and data under Lightning Fabric: with a loop of one's own."""

from itertools import islice

import torch
from lightning import Fabric
from torch.nn import functional as F

from mnist_lightning import MNISTClassifier, MNISTDataModule


def main(data: MNISTDataModule | None = None, batches: int = 300) -> float:
    """Train on batches of 32, by default of MNIST; the accuracy on the test images."""
    fabric = Fabric(accelerator="cpu")
    fabric.seed_everything(0)
    data = data or MNISTDataModule()
    data.prepare_data()
    data.setup()
    classifier = MNISTClassifier()
    model, optimizer = fabric.setup(classifier, classifier.configure_optimizers())
    train, test = fabric.setup_dataloaders(data.train_dataloader(), data.test_dataloader())
    for images, labels in islice(train, batches):
        optimizer.zero_grad()
        fabric.backward(F.cross_entropy(model(images), labels))
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = [model(images).argmax(dim=1) == labels for images, labels in test]
    return torch.cat(right).float().mean().item()


if __name__ == "__main__":
    print(f"accuracy {main():.2%}")
