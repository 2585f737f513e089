"""The allocator, by the page faults that the system counts."""

import os
import subprocess
import sys

import pytest

CODE = """
import resource, torch
from mnist_lightning.cli.allocator import keep_freed_memory
if {keep}:
    keep_freed_memory()
def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        torch.ones(32 << 18)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(20)
print(faults(20))
"""
PAGES = 20 * (32 << 20) // 4096


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_a_block_taken_again_costs_no_page_faults() -> None:
    # what an earlier test's program may have set for its process
    clean = {name: value for name, value in os.environ.items() if not name.startswith("THP_")}
    faults = {
        keep: int(
            subprocess.check_output([sys.executable, "-c", CODE.format(keep=keep)], env=clean)
        )
        for keep in (True, False)
    }
    assert faults[True] < 0.02 * PAGES
    assert faults[False] > 0.9 * PAGES, "what it is good for"
