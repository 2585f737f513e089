"""The pages of the documentation, and the commands and snippets in them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PROGRAMS = (["python", "-m", "mnist_lightning"], ["mnist-lightning"])


def blocks(page: Path, language: str) -> list[str]:
    """What stands in a page in fences of a language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """The shell's commands of a page, without comments."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in line.split(" #")[0].split(" && ")]
    return [shlex.split(part) for part in parts if part.strip()]


def arguments(command: list[str]) -> list[str] | None:
    """What a command gives to our program; None where it is another one's."""
    for program in PROGRAMS:
        if command[: len(program)] == program:
            return command[len(program) :]
    return None
