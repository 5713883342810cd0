"""The generated parts of docs/reports.md and the schema of a parse line are those of the code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dmarq.inputs import Input
from dmarq.parsing import ParseLine, lines_of
from dmarq.reference import blocks, line_schema
from dmarq.samples import make_mails
from parser.line import line_of_rejection
from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected
from pipeline.reference import filled
from tests.support.failures import arf
from tests.support.reports import RECORD, changed, report_xml, tls_tree

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "parse_line.schema.json").read_text(encoding="utf-8"))

FILES = {
    "valid": report_xml(records=RECORD * 3).encode(),
    "repaired": changed("<scope>mfrom</scope><result>softfail</result>", "<result>Hardfail</result>").encode(),
    "refused": report_xml()[:-150].encode(),
    "tls": json.dumps(tls_tree()).encode(),
    "failure": arf().encode(),
    "no-report": b"Subject: lunch\r\n\r\nAt noon?\r\n",
}


def test_the_page_is_up_to_date() -> None:
    page = (DOCS / "reports.md").read_text(encoding="utf-8")

    assert filled(page, blocks()) == page


def test_the_schema_is_up_to_date() -> None:
    assert (DOCS / "parse_line.schema.json").read_text(encoding="utf-8") == line_schema()


def printed(name: str, *, is_full: bool) -> Iterator[dict[str, Any]]:
    for line in lines_of(Input(name, FILES[name]), limits=Limits(), is_full=is_full):
        yield json.loads(json.dumps(line))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("is_full", [False, True], ids=["short", "full"])
def test_a_printed_line_is_of_the_schema(name: str, is_full: bool) -> None:
    lines = list(printed(name, is_full=is_full))

    assert lines
    for line in lines:
        jsonschema.validate(line, SCHEMA)
        assert line.keys() <= ParseLine.model_fields.keys()
        assert list(line) == [field for field in ParseLine.model_fields if field in line]


def test_the_sample_mails_give_lines_of_the_schema() -> None:
    for number, mail in enumerate(make_mails(40, seed=7)):
        for line in lines_of(Input(f"{number}.eml", mail.raw), limits=Limits(), is_full=True):
            jsonschema.validate(json.loads(json.dumps(line)), SCHEMA)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_of_the_schema(reason: Reason) -> None:
    jsonschema.validate(line_of_rejection(Rejected(reason), file="a", part=""), SCHEMA)


def test_the_schema_can_fail() -> None:
    [line] = printed("valid", is_full=True)
    row = line["report"]["rows"][0]

    for wrong in (
        {"begin": "now"},
        {"outcome": "fine"},
        {"reason": "because"},
        {"report": {"rows": [row | {"count": "x"}]}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(line | wrong, SCHEMA)
