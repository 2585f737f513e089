"""The data sets that are known by name. Another one is one more entry of ``SOURCES``.

Addresses, names of files and classes, and MD5 sums are those of ``torchvision.datasets``; SHA-256
sums and bytes of packed files those of TensorFlow Datasets (``url_checksums``). Sums of unpacked
files were taken from the official files.
"""

import os
from dataclasses import replace
from pathlib import Path

from mnist_lightning.data.download import KnownFile
from mnist_lightning.data.folder import name_of, own_folder
from mnist_lightning.data.generated import VERSION, write_synthetic
from mnist_lightning.data.source import DIGITS, Source
from mnist_lightning.errors import DataError

TEN_THOUSAND = {"train": 60_000, "t10k": 10_000}
CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
MERGED = tuple("abdefghnqrt")  # small letters that do not look like their capitals
EMNIST = {  # of each split the images of both parts, classes and the first label
    "balanced": (112_800, 18_800, (*DIGITS, *CAPITALS, *MERGED), 0),
    "byclass": (697_932, 116_323, (*DIGITS, *CAPITALS, *LETTERS), 0),
    "bymerge": (697_932, 116_323, (*DIGITS, *CAPITALS, *MERGED), 0),
    "digits": (240_000, 40_000, DIGITS, 0),
    "letters": (124_800, 20_800, LETTERS, 1),
    "mnist": (60_000, 10_000, DIGITS, 0),
}

MNIST = Source(
    name="mnist",
    title="MNIST",
    folder="MNIST/raw",
    sizes=TEN_THOUSAND,
    mirrors=(  # https first: what http brings can be replaced on the way
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    files={
        "train-images-idx3-ubyte": KnownFile(
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte": KnownFile(
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte": KnownFile(
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte": KnownFile(
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    },
    mean=0.1307,
    std=0.3081,
)
FASHION_MNIST = Source(
    name="fashion_mnist",
    title="FashionMNIST",
    folder="FashionMNIST/raw",
    sizes=TEN_THOUSAND,
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    files={
        "train-images-idx3-ubyte": KnownFile(
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        "train-labels-idx1-ubyte": KnownFile(
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        "t10k-images-idx3-ubyte": KnownFile(
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        "t10k-labels-idx1-ubyte": KnownFile(
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    },
    mean=0.2860,  # of the official training images
    std=0.3530,
)
KMNIST = Source(
    name="kmnist",
    title="KMNIST",
    folder="KMNIST/raw",
    sizes=TEN_THOUSAND,
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    files={
        "train-images-idx3-ubyte": KnownFile(
            18_165_135,
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        "train-labels-idx1-ubyte": KnownFile(
            29_497,
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "2a16eeae62da984b8bd24fa32e31d47291f01dac3fe84d5594f304f71e7d374b",
        ),
        "t10k-images-idx3-ubyte": KnownFile(
            3_041_136,
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
        ),
        "t10k-labels-idx1-ubyte": KnownFile(
            5_120,
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
        ),
    },
)
QMNIST = Source(
    name="qmnist",
    title="QMNIST",
    folder="QMNIST/raw",
    sizes={"qmnist-train": 60_000, "qmnist-test": 60_000},
    mirrors=("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),
    files={  # MD5 is all that is published, and of the bytes no more than the unpacked file has
        "qmnist-train-images-idx3-ubyte": KnownFile(47_040_016, "ed72d4157d28c017586c42bc6afe6370"),
        "qmnist-train-labels-idx2-int": KnownFile(1_920_012, "0058f8dd561b90ffdd0f734c6a30e5e4"),
        "qmnist-test-images-idx3-ubyte": KnownFile(47_040_016, "1394631089c404de565df7b7aeaf9412"),
        "qmnist-test-labels-idx2-int": KnownFile(1_920_012, "5b5b05890a5e13444e108efe57b788aa"),
    },
    label_columns=8,  # the class, and seven facts of writer and form
)


def _emnist(split: str) -> Source:
    train, test, classes, first_label = EMNIST[split]
    return Source(
        name=f"emnist_{split}",
        title=f"EMNIST {split}",
        folder="EMNIST/raw",
        sizes={f"emnist-{split}-train": train, f"emnist-{split}-test": test},
        classes=classes,
        mirrors=(
            "https://biometrics.nist.gov/cs_links/EMNIST/",
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
        ),
        files={
            "gzip.zip": KnownFile(
                561_753_746,
                "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
            )
        },
        archive="gzip.zip",
        first_label=first_label,
        transposed=True,
    )


def synthetic_digits(train: int = 60_000, test: int = 10_000) -> Source:
    """Generated digits, so many for training and for the test, in the place of MNIST."""
    return replace(
        MNIST,
        name="synthetic",
        title="synthetic digits",
        folder=f"synthetic-v{VERSION}-{train}-{test}",
        sizes={"train": train, "t10k": test},
        mirrors=(),
        files={},
        generate=write_synthetic,
    )


KNOWN = (MNIST, FASHION_MNIST, KMNIST, QMNIST, *map(_emnist, EMNIST))
SOURCES = {source.name: source for source in KNOWN}


def find_source(
    dataset: str, split: str = "balanced", data_dir: Path = Path(), required: bool = True
) -> Source:
    """Find a data set by its name, or else a folder as given or below the data folder.

    Args:
        dataset: Name or folder.
        split: Of EMNIST.
        data_dir: The data folder.
        required: A folder must be there; else one that is not has a name, but no classes.

    Raises:
        ValueError: There is no such data set, folder or split.
        DataError: The folder does not hold what it should.
    """
    if split not in EMNIST:
        raise ValueError(f"split is {split}: must be {', '.join(EMNIST)}")
    for name in (dataset, f"{dataset}_{split}"):
        if name in SOURCES:
            return SOURCES[name]
    allowed = f"must be {', '.join(_names())}, or a folder of four IDX files"
    if name_of(dataset) in (*_names(), *SOURCES, "synthetic"):
        raise ValueError(f"dataset is {dataset}: {allowed} with another name than these")
    places = (dataset, os.path.join(data_dir, dataset)) if dataset else ()
    for place in filter(os.path.isdir, places):
        try:
            return own_folder(place).measured()
        except DataError:
            if required:
                raise
    if required:
        raise ValueError(f"dataset is {dataset}: {allowed}")
    return own_folder(dataset)


def stored_name(dataset: str) -> str:
    """What a checkpoint holds of ``dataset``: a known name, or a folder's last name."""
    return dataset if dataset in _names() else name_of(dataset)


def _names() -> list[str]:
    """Values of ``dataset``; EMNIST's splits are one of them."""
    return list(dict.fromkeys(name.partition("emnist_")[0] or "emnist" for name in SOURCES))
