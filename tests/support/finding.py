"""Short ways to search a mail and to look at what was found."""

import gzip

from extractor.find import find_in_file, find_in_mail
from extractor.findings import Findings
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import LineOutcome, PartLine
from pipeline.contracts.mailbox import AttachmentRules
from pipeline.contracts.reasons import Reason


def search(raw: bytes, *, rules: AttachmentRules | None = None, limits: Limits | None = None) -> Findings:
    """`find_in_mail` under the default rules and limits."""
    return find_in_mail(raw, rules=rules or AttachmentRules(), limits=limits or Limits())


def search_file(
    data: bytes, name: str = "file", *, rules: AttachmentRules | None = None, limits: Limits | None = None
) -> Findings:
    """`find_in_file` under the default rules and limits."""
    return find_in_file(data, name=name, rules=rules or AttachmentRules(), limits=limits or Limits())


def contents(found: Findings) -> list[bytes]:
    """The uncompressed bytes of the documents."""
    return [gzip.decompress(blob) for blob in found.blobs]


def refusals(found: Findings) -> list[Reason | None]:
    """The reasons of refused lines, in order."""
    return [line.reason for line in found.lines if line.outcome is LineOutcome.REFUSED]


def ignored(found: Findings) -> list[tuple[str, Reason | None]]:
    """Path and reason of the ignored lines, in order."""
    return [(line.path, line.reason) for line in found.lines if line.outcome is LineOutcome.IGNORED]


def line_at(found: Findings, path: str) -> PartLine:
    """The line of the part at `path`."""
    return next(line for line in found.lines if line.path == path)
