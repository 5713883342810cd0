"""A mail through the pure parts of all three services: headers, filters, extractor, readers; with little stack."""

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from extractor.find import find_in_file, find_in_mail
from fetcher.imap.grammar.fetch_answer import MAX_HEADER_BYTES, Meta
from fetcher.reading.filters import headers_of, matches
from parser.kinds.reading import SampleKept
from parser.kinds.registry import read
from pipeline.contracts.limits import Limits
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.mailbox import AttachmentRules, Filters
from pipeline.errors import Rejected
from pipeline.mailformat.fields import header_of
from tests.support.storable import assert_storable

LIMITS = Limits(max_uncompressed_bytes=4_000_000, max_members=50, max_parts=50)
FILTERS = Filters(senders=("reporter.example",), subject_contains=("report", "dmarc"))
FRAMES = 150  # calls in calls that the honest path may take


@contextmanager
def little_stack(frames: int = FRAMES) -> Iterator[None]:
    """So few calls may be in calls that whatever is recursive about its input fails."""
    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def through_all_services(raw: bytes) -> None:
    """Raises what a service would run into; a refusal with a reason is no error."""
    with little_stack():
        _fetcher(raw)
        for document, form in _extractor(raw):
            _parser(document, form)
        _parser(gzip.compress(raw, 1), DocumentFormat.ARF)


def _fetcher(raw: bytes) -> None:
    header = header_of(raw)[:MAX_HEADER_BYTES]
    meta = Meta(uid=1, size=len(raw), internal_date=None, flags=frozenset(), header=header)
    matches(FILTERS, meta, now=datetime.now(UTC))
    shown = headers_of(header)
    "".join((shown.subject, *shown.senders)).encode()


def _extractor(raw: bytes) -> Iterator[tuple[bytes, DocumentFormat]]:
    rules = AttachmentRules()
    for found in (
        find_in_mail(raw, rules=rules, limits=LIMITS),
        find_in_file(raw, name="a.eml", rules=rules, limits=LIMITS),
    ):
        "".join((found.subject, found.from_address, found.message_id)).encode()
        for line in found.lines:
            line.model_dump_json()
        for info, blob in zip(found.documents, found.blobs, strict=True):
            yield blob, info.format


def _parser(document: bytes, form: DocumentFormat) -> None:
    with suppress(Rejected):
        for kept in SampleKept:
            with read(document, format=form, limits=LIMITS, sample_kept=kept) as reading:
                assert_storable(reading)
