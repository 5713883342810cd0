"""The memory that we may have is the machine's, or what a container was given."""

import os
from pathlib import Path

import pytest

from dmarq.embedded.memory import memory_bytes

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_limit_of_the_container_counts(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("402653184\n")

    assert memory_bytes([tmp_path / "missing", limit]) == 384 * 1024 * 1024


@pytest.mark.parametrize("unlimited", ["max\n", "9223372036854771712\n", "", "\u00e4"])
def test_no_limit_leaves_the_memory_of_the_machine(tmp_path: Path, unlimited: str) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(unlimited, encoding="utf-8")

    assert memory_bytes([limit]) == MACHINE
