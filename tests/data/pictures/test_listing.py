"""The list of pictures: folders, labels, tables."""

from pathlib import Path

import pytest

from mnist_lightning.data.pictures.listing import list_labelled, list_pictures
from mnist_lightning.errors import DataError


@pytest.fixture
def folder(workdir: Path) -> Path:
    pictures = "3/b.png 3/a.JPG 3/anna/c.png семь/4/x.gif notes.txt z.pdf 10/d.png"
    hidden = ".DS_Store Thumbs.db desktop.ini ._a.png .git/config"
    for name in ["семь/七 seven.webp", *pictures.split(), *hidden.split()]:
        path = workdir / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (workdir / "photos" / "linked").symlink_to(".")
    return Path("photos")


def listed(recursive: bool = False) -> dict[str, str]:
    found = list_labelled(Path("photos"), recursive)
    assert [file for file, _ in found] == sorted(file for file, _ in found)
    return {file.relative_to("photos").as_posix(): label for file, label in found}


@pytest.mark.usefixtures("folder")
def test_every_file_of_a_folder_and_of_the_folders_named_by_a_class() -> None:
    assert listed() == {
        "10": "",
        "3/a.JPG": "3",
        "3/anna": "3",
        "3/b.png": "3",
        "linked": "",
        "notes.txt": "",
        "z.pdf": "",
        "семь": "",
    }


@pytest.mark.usefixtures("folder")
def test_folders_in_folders() -> None:
    assert listed(recursive=True) == {
        "10/d.png": "",
        "3/a.JPG": "3",
        "3/anna/c.png": "3",
        "3/b.png": "3",
        "linked": "",
        "notes.txt": "",
        "z.pdf": "",
        "семь/4/x.gif": "",
        "семь/七 seven.webp": "",
    }


def test_classes_of_another_data_set(folder: Path) -> None:
    found = list_labelled(folder, classes=("семь", "acht"))
    assert {label for file, label in found if file.parent.name == "семь"} == {"семь"}
    assert not any(label for file, label in found if "семь" not in file.parts)


def test_a_folder_that_cannot_be_read_is_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterdir = Path.iterdir

    def refuse(path: Path) -> object:
        if path.name == "3":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert (folder / "3", "3") in list_labelled(folder)


def test_a_file_is_itself_whatever_its_name(folder: Path) -> None:
    assert list_pictures(folder / "notes.txt") == [folder / "notes.txt"]
    assert list_pictures(folder / ".DS_Store") == [folder / ".DS_Store"]


TABLE = "file,label\n3/a.JPG,3\n../b c.png,\n八.png,7\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig").replace(b",", b";").replace(b"\n", b"\r\n"),
        TABLE.replace(",", "\t").encode(),
        b"label,writer,file\n3,anna,3/a.JPG\n,anna,../b c.png\n7,anna,\xe5\x85\xab.png",
    ],
    ids=["commas", "as Excel writes it", "tabs", "more columns"],
)
def test_a_table_of_names_and_labels(content: bytes, folder: Path) -> None:
    (folder / "labels.csv").write_bytes(content)
    assert list_labelled(folder / "labels.csv") == [
        (folder / "3/a.JPG", "3"),
        (folder / "../b c.png", ""),
        (folder / "八.png", "7"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "its first line must name the columns file and label"),
        (b"file,label\n", "names no pictures"),
        (b"name,label\na,1\n", "its first line must name the columns file and label"),
        (b"file,label\na.png,1\nb.png,seven\n", "the label of picture 2 is seven: must be 0 to 9"),
        (b"file,label\na.png,\x1b[31m\n", r"is \\x1b\[31m: must be 0 to 9"),
        (b"file,label\n,1\n", "picture 1 has no name"),
        (b"\xff\xfe\x00", "no CSV file in UTF-8"),
        (b"file,label\n" + b"a" * 200_000 + b",1\n", "no CSV file in UTF-8"),
    ],
)
def test_what_is_no_table(content: bytes, reason: str, workdir: Path) -> None:
    (workdir / "labels.csv").write_bytes(content)
    with pytest.raises(DataError, match=f"^predict_path is labels.csv: .*{reason}"):
        list_labelled(Path("labels.csv"))


def test_a_table_is_no_larger_than_a_picture(workdir: Path) -> None:
    with (workdir / "labels.csv").open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(DataError, match="larger than 100 MB"):
        list_labelled(Path("labels.csv"))


def test_what_is_not_there(workdir: Path) -> None:
    (workdir / "empty").mkdir()
    (workdir / "empty" / ".hidden").touch()
    reasons = {"missing": "No such file or directory", "empty": "holds no files"}
    for name, reason in {**reasons, "a\0b": "no possible name"}.items():
        with pytest.raises(DataError, match=reason):
            list_labelled(Path(name))
