"""How much memory we may have: the machine's, or what the container was given."""

import os
from collections.abc import Iterable
from pathlib import Path

# cgroups(7) as a container sees its own: version 2, then version 1, whose "no limit" is a number beyond all memory.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_bytes(limits: Iterable[Path] = LIMITS) -> int:
    """Bytes; the least of the machine's memory and the limits that there are."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *filter(None, map(_limit, limits))])


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdigit() else None  # "max" is none
