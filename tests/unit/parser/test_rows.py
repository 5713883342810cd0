"""The row spool: flat in memory, readable as often as needed."""

from pathlib import Path

import pytest

from parser.kinds.rows import CHUNK_ROWS, RowSpool
from pipeline.contracts.report import DkimResult, Record
from pipeline.errors import TryLater


def a_row(number: int) -> Record:
    results = (DkimResult("example.com", "s", "pass", None),)
    return Record("192.0.2.1", number, "none", "pass", "fail", (), "a.example", None, None, results, (), None)


@pytest.mark.parametrize("size", [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS + 7])
def test_rows_come_back_in_order_as_often_as_asked(size):
    with RowSpool() as spool:
        for number in range(size):
            spool.append(a_row(number))

        assert len(spool) == size
        for _ in range(2):
            assert [row.count for row in spool] == list(range(size))
        assert all(0 < len(chunk) <= CHUNK_ROWS for chunk in spool.chunks())


def test_rows_from_the_file_are_the_rows_that_went_in():
    with RowSpool() as spool:
        for number in range(CHUNK_ROWS):
            spool.append(a_row(number))

        first = next(iter(spool))

    assert first == a_row(0)
    assert isinstance(first.dkim_results[0], DkimResult)


def test_two_iterations_may_run_side_by_side():
    with RowSpool() as spool:
        for number in range(2 * CHUNK_ROWS + 5):
            spool.append(a_row(number))

        pairs = list(zip(spool, spool, strict=True))

    assert all(one == other for one, other in pairs)


def test_a_full_disk_is_waited_for():
    with RowSpool(lambda: Path("/dev/full").open("w+b")) as spool:
        for number in range(CHUNK_ROWS - 1):
            spool.append(a_row(number))

        with pytest.raises(TryLater, match="disk"):
            spool.append(a_row(CHUNK_ROWS))


def test_a_closed_spool_is_empty_and_may_be_closed_again():
    spool = RowSpool()
    spool.append(a_row(1))

    spool.close()
    spool.close()

    assert (len(spool), list(spool)) == (0, [])
