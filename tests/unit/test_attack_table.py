"""The table of `make attack`: what did not hold is seen, and counts."""

from tests.attack import Row
from tests.attack.__main__ import as_table

HELD = Row("a flood", "64 MB", "12 MB", True)
LOST = Row("a drip", "1 s", "7 s", False)


def test_each_attack_is_a_line_and_what_was_lost_is_counted() -> None:
    table = as_table([HELD, LOST])

    assert "| a flood | 64 MB | 12 MB    | yes  |" in table
    assert "| a drip  | 1 s   | 7 s      | NO   |" in table
    assert table.endswith("2 attacks, 1 not held\n")
