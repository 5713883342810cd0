"""The scoreboard judges as its manifest says; and on the public samples, where they are at hand, all is right."""

from pathlib import Path

import pytest

from tests.score import FACTS, corpus, judged, misses
from tests.support.reports import BEGIN, END, report_xml

COLUMNS = ["path", "kind", "expected", "n_reports", *FACTS]
VALID = [
    "a.xml",
    "aggregate-xml",
    "valid",
    "1",
    "Example Receiver",
    "r-1",
    "example.com",
    str(BEGIN),
    str(END),
    "1",
    "3",
]


def manifest(folder: Path, *rows: list[str]) -> Path:
    (folder / "a.xml").write_text(report_xml(), encoding="utf-8")
    path = folder / "MANIFEST.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in (COLUMNS, *rows)), encoding="utf-8")
    return path


def changed(column: str, value: str) -> list[str]:
    return [value if name == column else known for name, known in zip(COLUMNS, VALID, strict=True)]


def test_a_file_that_is_read_as_the_manifest_says_is_right(tmp_path: Path) -> None:
    board = judged(tmp_path, manifest(tmp_path, VALID))

    assert (board.right.total(), board.total.total(), board.misses) == (1, 1, [])


@pytest.mark.parametrize(
    ("column", "value"),
    [("report_id", "r-2"), ("messages", "4"), ("begin", "1"), ("policy_domain", "example.org"), ("n_reports", "2")],
)
def test_a_wrong_fact_is_a_miss(tmp_path: Path, column: str, value: str) -> None:
    board = judged(tmp_path, manifest(tmp_path, changed(column, value)))

    assert board.right.total() == 0
    assert len(board.misses) == 1


@pytest.mark.parametrize("expected", ["invalid", "not-a-report", "valid-with-repairs"])
def test_a_wrong_outcome_is_a_miss(tmp_path: Path, expected: str) -> None:
    assert judged(tmp_path, manifest(tmp_path, changed("expected", expected))).misses


def test_domains_are_compared_as_dns_does(tmp_path: Path) -> None:
    assert judged(tmp_path, manifest(tmp_path, changed("policy_domain", "Example.COM."))).misses == []


def test_a_file_of_which_nothing_was_read_is_a_miss() -> None:
    row = dict(zip(COLUMNS, VALID, strict=True))
    refused = {"outcome": "refused", "reason": "not_well_formed", "part": "0"}

    assert misses(row, [refused])


def test_every_public_sample_is_right() -> None:
    folder = corpus()
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"no sample reports at {folder}: set DMARQ_CORPUS to a folder with MANIFEST.tsv to test with them")

    board = judged(folder, folder / "MANIFEST.tsv")

    assert board.misses == []
    assert board.total.total() > 0
