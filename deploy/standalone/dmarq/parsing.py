"""From a file's bytes to the lines of `dmarq parse`: the extractor's and the parser's own code, no servers. Pure."""

from collections.abc import Iterator
from typing import Any

from dmarq.inputs import Input
from extractor.find import find_in_file
from extractor.findings import Findings
from parser.failure.sample import SampleKept
from parser.line import line_of_reading, line_of_rejection
from parser.readers import read
from parser.reading import Hints
from parser.several import SeveralReports, separated
from pipeline.document import DocumentInfo, LineOutcome
from pipeline.errors import Rejected, described
from pipeline.limits import Limits
from pipeline.mailbox import AttachmentRules
from pipeline.reasons import Reason

Line = dict[str, Any]


def lines_of(item: Input, *, limits: Limits, is_full: bool) -> Iterator[Line]:
    """The lines of one input: none for a path that could not be read, one for a file over the limit."""
    if item.error:
        return
    if item.refused is not None:
        yield line_of_rejection(Rejected(item.refused), file=item.label, part="")
        return
    try:
        yield from parse_file(item.data, file=item.label, limits=limits, is_full=is_full)
    except Exception as error:  # noqa: BLE001 one file's error is its own
        yield _failed(error, file=item.label, part="")


def parse_file(data: bytes, *, file: str, limits: Limits, is_full: bool) -> Iterator[Line]:
    """One line a document, one for every refused part; a single "not_a_report" line where there is neither.

    `file` is the label in the lines, and a hint for a report that does not say who sent it.
    """
    rules = AttachmentRules(max_bytes=limits.max_attachment_bytes)
    found = find_in_file(data, name=file, rules=rules, limits=limits)
    documents = {info.path: (info, blob) for info, blob in zip(found.documents, found.blobs, strict=True)}
    any_line = False
    for line in found.lines:
        if line.path in documents:
            any_line = True
            yield from _document_lines(*documents[line.path], found, file=file, limits=limits, is_full=is_full)
        elif line.outcome is LineOutcome.REFUSED:
            any_line = True
            rejected = Rejected(line.reason or Reason.BUG, line.detail)
            yield line_of_rejection(rejected, file=file, part=line.path, repairs=line.repairs)
    if not any_line:
        yield line_of_rejection(Rejected(Reason.NO_REPORT_FOUND), file=file, part="")


def _document_lines(
    document: DocumentInfo, blob: bytes, found: Findings, *, file: str, limits: Limits, is_full: bool
) -> Iterator[Line]:
    """The line of a document, or those of the reports that it holds."""
    hints = Hints(file_name=document.name or file.rpartition("/")[2], from_domain=found.from_address.rpartition("@")[2])
    try:
        with read(blob, format=document.format, limits=limits, hints=hints, sample_kept=SampleKept.HEADERS) as reading:
            yield line_of_reading(reading, file=file, part=document.path, repairs=document.repairs, is_full=is_full)
    except SeveralReports as several:
        for own, part in separated(document, several):
            yield from _document_lines(own, part, found, file=file, limits=limits, is_full=is_full)
    except Rejected as rejected:
        yield line_of_rejection(rejected, file=file, part=document.path, repairs=document.repairs)
    except Exception as error:  # noqa: BLE001 one document's error is its own
        yield _failed(error, file=file, part=document.path)


def _failed(error: Exception, *, file: str, part: str) -> Line:
    line = line_of_rejection(Rejected(Reason.BUG), file=file, part=part)
    return line | {"error": described(error)}
