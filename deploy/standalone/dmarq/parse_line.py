"""The form of a line of `dmarq parse`, as models: `docs/parse_line.schema.json` is made from them.

The lines themselves are made by `parser.line`; a test holds the two together.
"""

from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from pipeline.reasons import Reason
from pipeline.report import (
    AggregateReport,
    DkimResult,
    FailureReport,
    OverrideReason,
    Record,
    ReportKind,
    SpfResult,
    TlsReport,
)


def _as_object(row: type, **lists: Any) -> type[BaseModel]:
    """The model of a named tuple that is written as an object; `lists` are the fields that hold further ones."""
    fields: dict[str, Any] = {name: (lists.get(name, kind), ...) for name, kind in get_type_hints(row).items()}
    return create_model(row.__name__, __doc__=row.__doc__, **fields)


Row = _as_object(
    Record,
    reasons=list[_as_object(OverrideReason)],  # type: ignore[misc]
    dkim_results=list[_as_object(DkimResult)],  # type: ignore[misc]
    spf_results=list[_as_object(SpfResult)],  # type: ignore[misc]
)


class WholeAggregateReport(AggregateReport):
    """An aggregate report with its rows."""

    rows: list[Row]  # type: ignore[valid-type]
    rows_left_out: int = Field(description="Rows that are not given; 0 here.")


class Detail(BaseModel):
    """A value that a repair changed."""

    repair: str
    where: str = Field(description='Its path: "policy_published/domain", "record/3/row/count", "source-ip".')
    sent: str = Field(description="As it was sent, at most 200 bytes.")
    given: str | None = Field(description="What is given in its place; null where it was left out.")


class ParseLine(BaseModel):
    """A line of `dmarq parse`: one document, or one part that was refused, or a file without any report.

    The facts (`kind` to `messages`) are null where nothing was read.
    """

    model_config = ConfigDict(title="A line of dmarq parse")

    file: str = Field(description='The path; a mail among others of an mbox file has "#" and its number behind it.')
    part: str = Field(description='Where in the file: "0" the file itself, "1/2" a MIME part, "2/a.xml" in an archive.')
    outcome: Literal["valid", "repaired", "refused", "not_a_report"]
    reason: Reason | None = Field(description="Why it is refused, or no report.")
    detail: str = Field(description="What exactly is refused: the value, the method, the limit.")
    kind: ReportKind | None
    org_name: str | None = Field(description="Who sent the report; empty where nothing says so.")
    report_id: str | None = Field(description="Whole: trimmed, without one pair of angle brackets.")
    domain: str | None = Field(description="Policy domain, lower case, no trailing dot; of a TLS report maybe several.")
    begin: int | None = Field(description="UTC epoch seconds.")
    end: int | None = Field(description="UTC epoch seconds.")
    records: int | None = Field(description="Records; policies of a TLS report; 1 for a failure report.")
    messages: int | None = Field(description="Sum of the counts; sessions of a TLS report; incidents.")
    repairs: list[str] = Field(description="Names of what had to be mended.")
    details: list[Detail] = Field(description="What the repairs changed; of many alike the first ones.")
    salvaged: dict[str, str] = Field(
        default={}, description="Of a refused document: what could still be seen in it, as it was written."
    )
    error: str = Field(default="", description="What went wrong, where the reason is `bug`: please report it.")
    report: WholeAggregateReport | TlsReport | FailureReport | None = Field(
        default=None, description="The whole report, with --full."
    )
