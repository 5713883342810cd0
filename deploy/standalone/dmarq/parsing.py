"""From a file's bytes to the lines of `dmarq parse`: the extractor's and the parser's own code, no servers. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from dmarq.inputs import Input
from extractor.find import find_in_file
from parser.kinds.reading import Hints, Terms
from parser.kinds.registry import Readers
from parser.kinds.several import SeveralReports, separated
from parser.line import line_of_reading, line_of_rejection
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentInfo, LineOutcome
from pipeline.contracts.mailbox import AttachmentRules
from pipeline.contracts.reasons import Reason
from pipeline.contracts.report import (
    AggregateReport,
    DkimResult,
    FailureReport,
    OverrideReason,
    Record,
    ReportKind,
    SpfResult,
    TlsReport,
)
from pipeline.errors import Rejected, described

Line = dict[str, Any]


def lines_of(item: Input, *, limits: Limits, is_full: bool, readers: Readers | None = None) -> Iterator[Line]:
    """The lines of one input: none for a path that could not be read, one for a file over the limit.

    Many inputs are read faster by the same `readers`.
    """
    if item.error:
        return
    if item.refused is not None:
        yield line_of_rejection(Rejected(item.refused), file=item.label, part="")
        return
    try:
        yield from parse_file(item.data, file=item.label, limits=limits, is_full=is_full, readers=readers)
    except Exception as error:  # noqa: BLE001 one file's error is its own
        yield _failed(error, file=item.label, part="")


def parse_file(
    data: bytes, *, file: str, limits: Limits, is_full: bool, readers: Readers | None = None
) -> Iterator[Line]:
    """One line a document, one for every refused part; a single "not_a_report" line where there is neither.

    `file` is the label in the lines, and a hint for a report that does not say who sent it.
    """
    rules = AttachmentRules(max_bytes=limits.max_attachment_bytes)
    found = find_in_file(data, name=file, rules=rules, limits=limits)
    reading = _Reading(readers or Readers(), limits, found.from_address.rpartition("@")[2], file, is_full)
    documents = {info.path: (info, blob) for info, blob in zip(found.documents, found.blobs, strict=True)}
    any_line = False
    for line in found.lines:
        if line.path in documents:
            any_line = True
            yield from _document_lines(*documents[line.path], how=reading)
        elif line.outcome is LineOutcome.REFUSED:
            any_line = True
            rejected = Rejected(line.reason or Reason.BUG, line.detail)
            yield line_of_rejection(rejected, file=file, part=line.path, repairs=line.repairs)
    if not any_line:
        yield line_of_rejection(Rejected(Reason.NO_REPORT_FOUND), file=file, part="")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the documents of one file are read and told of."""

    readers: Readers
    limits: Limits
    from_domain: str
    file: str
    is_full: bool


def _document_lines(document: DocumentInfo, blob: bytes, *, how: _Reading) -> Iterator[Line]:
    """The line of a document, or those of the reports that it holds."""
    file = how.file
    hints = Hints(file_name=document.name or file.rpartition("/")[2], from_domain=how.from_domain)
    terms = Terms(limits=how.limits, hints=hints)
    try:
        with how.readers.read(blob, format=document.format, terms=terms) as reading:
            yield line_of_reading(reading, file=file, part=document.path, repairs=document.repairs, is_full=how.is_full)
    except SeveralReports as several:
        for own, part in separated(document, several):
            yield from _document_lines(own, part, how=how)
    except Rejected as rejected:
        yield line_of_rejection(rejected, file=file, part=document.path, repairs=document.repairs)
    except Exception as error:  # noqa: BLE001 one document's error is its own
        yield _failed(error, file=file, part=document.path)


def _failed(error: Exception, *, file: str, part: str) -> Line:
    line = line_of_rejection(Rejected(Reason.BUG), file=file, part=part)
    return line | {"error": described(error)}


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
    repairs: list[str] = Field(description="Names of what had to be repaired.")
    details: list[Detail] = Field(description="What the repairs changed; of many alike the first ones.")
    salvaged: dict[str, str] = Field(
        default={}, description="Of a refused document: what could still be seen in it, as it was written."
    )
    error: str = Field(default="", description="What went wrong, where the reason is `bug`: please report it.")
    report: WholeAggregateReport | TlsReport | FailureReport | None = Field(
        default=None, description="The whole report, with --full."
    )
