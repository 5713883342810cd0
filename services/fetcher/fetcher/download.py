"""A folder's new mails in batches: measured first, filtered on their headers, then downloaded with BODY.PEEK."""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic

import structlog

from fetcher.filters import Headers, headers_of, matches, needs_headers
from fetcher.imap import Fetched, ImapFault, ImapSession, Meta, Withheld
from fetcher.measuring import Measured, measure, with_headers
from fetcher.withheld import FolderPatience, Patience
from pipeline.contracts.limits import Limits, MiB
from pipeline.contracts.mailbox import Filters
from pipeline.contracts.reasons import Reason
from pipeline.errors import described

log = structlog.get_logger(__name__)

BATCH_MAILS = 50
BATCH_BYTES = 2 * MiB
MAX_TEXT = 500  # characters of a subject or a sender


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the folder: the UIDs to look at, how many the server passed over, and where it ends."""

    uids: tuple[int, ...]
    passed_over: int
    up_to_uid: int


@dataclass(frozen=True, slots=True)
class Download:
    """A mail with its bytes, or without them and with the reason why it was not downloaded.

    Of a mail that is not `is_measured` only the UID is known, so that nobody knows whether it passes the filters.
    """

    meta: Meta
    body: bytes | None = None
    refused: Reason | None = None
    subject: str = ""
    sender: str = ""
    is_measured: bool = True


@dataclass(slots=True)
class Batch:
    """Mails to publish together. When they are confirmed, every mail up to `up_to_uid` is dealt with.

    `held`: mails that must be asked for, or asked for again; the cursor stays below them.
    """

    up_to_uid: int = 0
    filtered: int = 0
    size: int = 0  # bytes that were downloaded
    downloads: list[Download] = field(default_factory=list)
    held: frozenset[int] = frozenset()

    def add(self, download: Download) -> None:
        """One more mail. Mails that were refused do not move the cursor: their turn came early."""
        self.downloads.append(download)
        self.size += len(download.body or b"")
        if download.refused is None:
            self.reach(download.meta.uid)

    def hold(self, uid: int) -> None:
        """This mail was not given out."""
        self.held |= {uid}

    def release(self, uid: int) -> None:
        """This mail was given out after all."""
        self.held -= {uid}

    def reach(self, uid: int) -> None:
        """Every mail up to this one is dealt with, but for the one that is asked for again and those behind it."""
        self.up_to_uid = min((uid, *(held - 1 for held in self.held)))

    @property
    def full(self) -> bool:
        """Whether it is large enough to be published."""
        return len(self.downloads) >= BATCH_MAILS or self.size >= BATCH_BYTES


def stretches(new: Sequence[int], wanted: Collection[int], *, mails: Callable[[], int]) -> Iterator[Stretch]:
    """The new UIDs (rising) in stretches with at most `mails()` `wanted` ones; every new UID is in exactly one."""
    uids: list[int] = []
    passed_over = 0
    most = mails()
    for uid in new:
        if uid in wanted:
            uids.append(uid)
        else:
            passed_over += 1
        if len(uids) >= most:
            yield Stretch(tuple(uids), passed_over, uid)
            uids, passed_over = [], 0
            most = mails()
    if uids or passed_over:
        yield Stretch(tuple(uids), passed_over, new[-1])


async def downloads(
    session: ImapSession, stretch: Stretch, filters: Filters, *, limits: Limits, patience: FolderPatience
) -> AsyncGenerator[Batch, None]:
    """The stretch's mails that pass the filters; the last batch ends where the stretch ends.

    A mail that vanished meanwhile is left out; one above the limit is given without its bytes, and so is one that the
    server does not give out for longer than the patience lasts. Until then the cursor stays below it, and Withheld is
    raised after the others were given. Raises ImapFault, after all that came before.
    """
    measured = await measure(session, stretch.uids, headers=needs_headers(filters), patience=patience.metas)
    now = datetime.now(UTC)
    wanted, unjudged = sift(measured.metas, lambda meta: matches(filters, meta, now=now))
    given_up = patience.bodies.given_up(monotonic())
    readable = [meta for meta in wanted if meta.uid not in given_up]
    sized = await _sized(session, readable, max_bytes=limits.max_mail_bytes)
    resized = {meta.uid for meta, said in zip(sized, readable, strict=True) if meta is not said}
    fitting = {meta.uid: meta for meta in sized if meta.size <= limits.max_mail_bytes}
    alone = patience.bodies.alone()  # asked for last: the cursor waits for them
    held = measured.gaps.union(fitting.keys() & set(alone))
    batch = Batch(filtered=stretch.passed_over + len(measured.metas) - len(wanted) - len(unjudged), held=held)
    for download in _unreadable(measured, [meta for meta in wanted if meta.uid in given_up], unjudged):
        batch.add(download)
    too_large = [meta for meta in readable if meta.uid not in fitting]
    for meta in await with_headers(session, too_large, patience=patience.bodies):
        batch.add(_refused(meta, Reason.MAIL_TOO_LARGE))
    complaint: ImapFault | None = measured.complaint
    try:
        bodies = session.fetch_bodies(fitting.values(), max_bytes=limits.max_mail_bytes, alone=alone)
        async for got in bodies:
            meta = fitting[got.uid]
            _take(batch, replace(meta, size=len(got.body or b"")) if got.uid in resized else meta, got, patience.bodies)
            if batch.full:
                yield batch
                batch = Batch(held=batch.held)
    except ImapFault as fault:
        patience.bodies.withheld(fault.uids if isinstance(fault, Withheld) else (), monotonic())
        complaint = fault
    else:
        batch.reach(stretch.up_to_uid)
    yield batch
    if complaint is not None:
        raise complaint


async def _sized(session: ImapSession, metas: Sequence[Meta], *, max_bytes: int) -> Sequence[Meta]:
    """The same, where a mail that is said to be too large is asked whether it is: some servers say 4 GB of any."""
    large = [meta.uid for meta in metas if meta.size > max_bytes]
    short = await session.is_no_longer(large, max_bytes=max_bytes) if large else ()
    return [replace(meta, size=max_bytes) if meta.uid in short else meta for meta in metas]


def sift(metas: Iterable[Meta], passes: Callable[[Meta], bool]) -> tuple[list[Meta], list[Meta]]:
    """The mails that pass, and those about which the filters end in an error: that holds up no other mail."""
    wanted: list[Meta] = []
    unjudged: list[Meta] = []
    for meta in metas:
        try:
            if passes(meta):
                wanted.append(meta)
        except Exception as error:  # noqa: BLE001 a mail's error is its own: the mail is refused, with a line
            log.error("filter_failed", uid=meta.uid, error=described(error))
            unjudged.append(meta)
    return wanted, unjudged


def _unreadable(measured: Measured, given_up: Sequence[Meta], unjudged: Sequence[Meta]) -> list[Download]:
    """The mails that were given up, and those that no filter can judge. No header is asked for: that may fail too."""
    nothing_known = (Meta(uid, 0, None, frozenset()) for uid in measured.given_up)
    unmeasured = [Download(meta, refused=Reason.MAIL_UNREADABLE, is_measured=False) for meta in nothing_known]
    withheld = [_refused(meta, Reason.MAIL_UNREADABLE) for meta in given_up]
    return unmeasured + withheld + [Download(meta, refused=Reason.HEADER_UNREADABLE) for meta in unjudged]


def _take(batch: Batch, meta: Meta, got: Fetched, patience: Patience) -> None:
    if got.withheld:
        batch.hold(got.uid)
        return
    batch.release(got.uid)
    if got.too_large:
        batch.add(_refused(meta, Reason.MAIL_TOO_LARGE))
    elif got.body is not None:
        batch.add(Download(meta, got.body))
        patience.given((got.uid,), monotonic())


def _refused(meta: Meta, reason: Reason) -> Download:
    headers = _headers_shown(meta)
    sender = headers.senders[0] if headers.senders else ""
    return Download(meta, refused=reason, subject=headers.subject[:MAX_TEXT], sender=sender[:MAX_TEXT])


def _headers_shown(meta: Meta) -> Headers:
    """None, where they cannot be read: the mail is refused already."""
    try:
        return headers_of(meta.header)
    except Exception as error:  # noqa: BLE001 a mail's error is its own
        log.error("header_failed", uid=meta.uid, error=described(error))
        return Headers("", ())
