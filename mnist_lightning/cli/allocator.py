"""The C library's allocator."""

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h
NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Have the process keep what it frees, and take it again for the next large block.

    glibc gives large blocks back to the system at once, and a training step gets the same ones as
    zeroed pages again, one page fault each: 60,000 a step for the original network's gradients.
    It holds for the whole process, so no library should call it; other C libraries are left alone.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch: large blocks in pages of 2 MiB
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, NEVER)
