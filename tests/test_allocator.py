"""The allocator, by the page faults that the system counts."""

import subprocess
import sys

import pytest

CODE = """
import resource, torch
from mnist_lightning.allocator import keep_freed_memory
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
    faults = {
        keep: int(subprocess.check_output([sys.executable, "-c", CODE.format(keep=keep)]))
        for keep in (True, False)
    }
    assert faults[True] < 0.2 * PAGES, "some come back when memory is short"
    assert faults[False] > 0.9 * PAGES, "what it is good for"
