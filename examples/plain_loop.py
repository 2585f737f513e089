"""ConvNet and the data loaders in a plain PyTorch loop, without a trainer."""

from itertools import islice

import torch
from torch import nn

from mnist_lightning import ConvNet, MNISTDataModule


def main(data: MNISTDataModule | None = None, batches: int = 300) -> float:
    """Train on batches of 32, by default of MNIST; the accuracy on the test images."""
    torch.manual_seed(0)
    data = data or MNISTDataModule()
    data.prepare_data()
    data.setup()
    net = ConvNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    loss = nn.CrossEntropyLoss()
    for images, labels in islice(data.train_dataloader(), batches):
        optimizer.zero_grad()
        loss(net(images), labels).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = [net(images).argmax(dim=1) == labels for images, labels in data.test_dataloader()]
    return torch.cat(right).float().mean().item()


if __name__ == "__main__":
    print(f"accuracy {main():.2%}")
