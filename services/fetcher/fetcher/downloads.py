"""A folder's new mails in batches: measured first, filtered on their headers, then downloaded with BODY.PEEK."""

from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fetcher.imap import Fetched, ImapSession, Meta
from fetcher.search import headers_of, matches, needs_headers
from pipeline.limits import Limits, MiB
from pipeline.mailbox import Filters
from pipeline.reasons import Reason

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
    """A mail with its bytes, or without them and with the reason why it was not downloaded."""

    meta: Meta
    body: bytes | None = None
    refused: Reason | None = None
    subject: str = ""
    sender: str = ""


@dataclass(slots=True)
class Batch:
    """Mails to publish together. When they are confirmed, every mail up to `up_to_uid` is dealt with."""

    up_to_uid: int = 0
    filtered: int = 0
    size: int = 0  # bytes that were downloaded
    downloads: list[Download] = field(default_factory=list)

    def add(self, download: Download) -> None:
        """One more mail. Mails that were refused do not move the cursor: their turn came early."""
        self.downloads.append(download)
        self.size += len(download.body or b"")
        if download.refused is None:
            self.up_to_uid = download.meta.uid

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
    session: ImapSession, stretch: Stretch, filters: Filters, *, limits: Limits
) -> AsyncGenerator[Batch, None]:
    """The stretch's mails that pass the filters; the last batch ends where the stretch ends.

    A mail that vanished meanwhile is left out; one above the limit is given without its bytes. Raises ImapFault.
    """
    metas = await session.fetch_meta(stretch.uids, headers=needs_headers(filters)) if stretch.uids else []
    now = datetime.now(UTC)
    wanted = [meta for meta in metas if matches(filters, meta, now=now)]
    fitting = {meta.uid: meta for meta in wanted if meta.size <= limits.max_mail_bytes}
    batch = Batch(filtered=stretch.passed_over + len(metas) - len(wanted))
    for meta in await _with_headers(session, [meta for meta in wanted if meta.uid not in fitting]):
        batch.add(_refused(meta))
    async for got in session.fetch_bodies(fitting.values(), max_bytes=limits.max_mail_bytes):
        if got.body is None and not got.too_large:
            continue
        batch.add(_download(fitting[got.uid], got))
        if batch.full:
            yield batch
            batch = Batch()
    batch.up_to_uid = stretch.up_to_uid
    yield batch


def _download(meta: Meta, got: Fetched) -> Download:
    return _refused(meta) if got.too_large else Download(meta, got.body)


def _refused(meta: Meta) -> Download:
    headers = headers_of(meta.header)
    sender = headers.senders[0] if headers.senders else ""
    return Download(meta, refused=Reason.MAIL_TOO_LARGE, subject=headers.subject[:MAX_TEXT], sender=sender[:MAX_TEXT])


async def _with_headers(session: ImapSession, metas: Sequence[Meta]) -> list[Meta]:
    if not metas:
        return []
    return await session.fetch_meta([meta.uid for meta in metas], headers=True)
