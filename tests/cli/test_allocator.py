"""The allocator, by the page faults that the system counts."""

import subprocess
import sys

import pytest

CODE = """
import resource
from mnist_lightning.cli.allocator import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        bytearray(32 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
plain = faults()
keep_freed_memory()
faults()
print(plain, faults())
"""
PAGES = 20 * (32 << 20) // 4096


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_a_block_taken_again_costs_no_page_faults() -> None:
    plain, kept = map(int, subprocess.check_output([sys.executable, "-c", CODE]).split())
    assert kept < 0.02 * PAGES
    assert plain > 0.9 * PAGES, "what it is good for"
