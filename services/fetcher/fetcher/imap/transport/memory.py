"""Memory goes back to the system when a session has ended.

The C library's allocator learns from the first large email that is freed to keep blocks of that size, and up to 64 MB
of free memory, for the next one. A fetcher that had one large email, or one hostile server, would stay that large.
"""

import ctypes
from functools import cache

from pipeline.contracts.limits import KiB

# <malloc.h> of glibc
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


@cache
def give_large_blocks_back() -> None:
    """Once a process, for the time when they are freed. Does nothing where the C library is another one."""
    mallopt = getattr(_c_library(), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 128 * KiB)
        mallopt(_TRIM_THRESHOLD, 128 * KiB)


def give_the_rest_back() -> None:
    """What is free between blocks that are in use; takes some milliseconds."""
    malloc_trim = getattr(_c_library(), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


@cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
