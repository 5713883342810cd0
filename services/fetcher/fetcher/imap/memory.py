"""Large blocks go back to the system when they are freed.

The C library's allocator learns from the first large mail that is freed to keep blocks of that size, and up to 64 MB of
free memory, for the next one. A fetcher that had one large mail, or one hostile server, would be that large for ever.
"""

import ctypes
from functools import cache

from pipeline.limits import KiB

# <malloc.h> of glibc
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


@cache
def give_large_blocks_back() -> None:
    """Once a process. Does nothing where the C library is another one, which has no such habit."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 128 * KiB)
        mallopt(_TRIM_THRESHOLD, 128 * KiB)
