"""The public samples, where they are at hand: each mail, archive and file ends as its manifest says."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.contracts.mail import LineOutcome
from tests.support.finding import search_file

CORPUS = Path(os.environ.get("DMARQ_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))


def _rows() -> Iterator[dict[str, str]]:
    manifest = CORPUS / "MANIFEST.tsv"
    if not manifest.exists():
        return
    lines = manifest.read_text(encoding="utf-8").splitlines()
    names = lines[0].split("\t")
    yield from (dict(zip(names, line.split("\t"), strict=False)) for line in lines[1:])


ROWS = list(_rows())


def test_the_corpus_is_at_hand() -> None:
    if not ROWS:
        pytest.skip(f"no sample reports at {CORPUS}: set DMARQ_CORPUS to a folder with MANIFEST.tsv to test with them")


@pytest.mark.parametrize("row", ROWS, ids=[row["path"] for row in ROWS])
def test_a_sample_ends_as_its_manifest_says(row: dict[str, str]) -> None:
    found = search_file((CORPUS / row["path"]).read_bytes(), row["path"])
    refused = [line for line in found.lines if line.outcome is LineOutcome.REFUSED]

    if row["expected"] == "not-a-report":
        assert (len(found.documents), refused) == (0, [])
    elif row["expected"] == "invalid":
        assert found.documents or refused  # whether a document is a report, the parser knows
    else:
        assert (len(found.documents), refused) == (int(row["n_reports"]), [])
