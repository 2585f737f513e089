"""What the program does beside what it is for: nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY

pytestmark = pytest.mark.faults
LOOPBACK = ("127.0.0.1", "::1")
FIT = ["fit", *TINY, "--trainer.max_steps", "1", "--report.figures", "true"]
LISTING = {"ldconfig", "fc-list"}  # list libraries for PyTorch and fonts for matplotlib
PLACES = ("logs", "data", "home")  # the last holds all caches here


def run(folder: Path, command: list[str]) -> None:
    """Run a command in a folder, with a home of its own and nothing cached."""
    (folder / "home").mkdir()
    home = str(folder / "home")
    environment = {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def outside(folder: Path, paths: list[str]) -> list[str]:
    """The paths that are in none of the places where the program may write."""
    places = tuple(f"{folder / place}" for place in PLACES)
    return [path for path in paths if not path.startswith((*places, "/dev/null", "/dev/tty"))]


def test_starts_nothing_calls_nobody_writes_nowhere_else(tmp_path: Path) -> None:
    script = str(Path(__file__).with_name("audited.py"))
    run(tmp_path, [sys.executable, script, "home/report", *FIT])
    events = [line.split(" ", 1) for line in (tmp_path / "home/report").read_text().splitlines()]
    started = {Path(what).name for kind, what in events if kind == "start"}
    assert started <= LISTING
    called = [what for kind, what in events if kind == "connect"]
    assert [what for what in called if not any(each in what for each in LOOPBACK)] == []
    written = [what for kind, what in events if kind == "write"]
    assert outside(tmp_path, written) == []
    assert any("/version_0/" in what for what in written), "the report sees what is written"
    assert list(tmp_path.glob("logs/*/*/history.csv"))


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not there")
def test_the_system_sees_no_more(tmp_path: Path, full: bool) -> None:
    """As above, of libraries in C too."""
    if not full:
        pytest.skip("in full only")
    calls = "trace=execve,execveat,connect,sendto,openat,mkdir,rename,unlink"
    traced = ["strace", "-f", "-qq", "-e", calls, "-o", "home/trace"]
    run(tmp_path, [*traced, sys.executable, "-m", "mnist_lightning", *FIT])
    trace = (tmp_path / "home/trace").read_text(errors="replace")
    lines = [re.sub(r"^\d+ +", "", line) for line in trace.splitlines()]
    programs = [match[1] for line in lines if (match := re.match(r'execve\("(.*?)"', line))]
    assert {Path(program).name for program in programs[1:]} <= {*LISTING, "ldconfig.real"}
    called = [line for line in lines if re.match("connect|sendto", line) and "AF_UNIX" not in line]
    assert [line for line in called if not any(each in line for each in LOOPBACK)] == []
    writing = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|^(mkdir|rename|unlink)")
    changes = [line for line in lines if writing.search(line) and " = -1 " not in line]
    paths = [str(tmp_path / match[1]) for line in changes if (match := re.search('"(.*?)"', line))]
    assert outside(tmp_path, paths) == []
