"""Rows are named by their address and by what passed, whether they were seen before or not."""

import tracemalloc

import pytest

from parser.sources.data import NamingData, NamingFiles
from parser.sources.row_names import RowNames
from pipeline.contracts.report import DkimResult, Record, SpfResult


def row(domain: str, result: str, *, selector: str = "s1") -> Record:
    """A row of one address, signed by a domain."""
    signed = (DkimResult(domain, selector, result, None),)
    sent = (SpfResult("example.com", "mfrom", "fail", None),)
    return Record("192.0.2.1", 1, "none", "pass", "fail", (), "example.com", None, None, signed, sent, None)


@pytest.fixture(scope="module")
def names() -> RowNames:
    return RowNames(NamingData(NamingFiles()))


def test_a_row_is_named_by_what_passed_every_time(names: RowNames) -> None:
    for _ in range(2):
        assert names(row("amazonses.com", "pass"))["service"] == "amazon-ses"
        assert names(row("amazonses.com", "fail"))["service"] is None
        assert names(row("adyen.com", "pass"))["service"] == "adyen"


def test_long_texts_of_rows_are_not_kept(names: RowNames) -> None:
    tracemalloc.start()
    try:
        for number in range(200):
            assert names(row("adyen.com", "pass", selector=f"{number}" + "x" * 10_000))["service"] == "adyen"
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000
