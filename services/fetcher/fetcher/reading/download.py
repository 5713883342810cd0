"""A folder's new emails in batches: measured first, filtered on their headers, then downloaded with BODY.PEEK."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic

import structlog

from fetcher.imap.grammar.faults import ImapFault, Withheld
from fetcher.imap.grammar.fetch_answer import Fetched, Meta
from fetcher.imap.interface import MailSession
from fetcher.reading.fetch_run import Batch, Download, Stretch
from fetcher.reading.filters import Headers, headers_of, matches, needs_headers
from fetcher.reading.withheld import FolderRetries, Retries
from pipeline.contracts.limits import Limits
from pipeline.contracts.mailbox import Filters
from pipeline.contracts.reasons import Reason
from pipeline.errors import described

log = structlog.get_logger(__name__)

MAX_TEXT = 500  # characters of a subject or a sender

WithoutRoom = Callable[[Sequence[Meta]], Awaitable[frozenset[int]]]
"""The emails that there is no room for now."""


@dataclass(frozen=True, slots=True)
class Measured:
    """`given_up`: emails that the server has told nothing of for too long. `complaint`: it told nothing of its emails,
    and is asked again in the next round.
    """

    metas: Sequence[Meta] = ()
    given_up: Sequence[int] = ()
    complaint: Withheld | None = None

    @property
    def gaps(self) -> frozenset[int]:
        """The emails to be asked for again."""
        return self.complaint.uids if self.complaint else frozenset()


async def downloads(
    session: MailSession,
    stretch: Stretch,
    filters: Filters,
    *,
    limits: Limits,
    retries: FolderRetries,
    without_room: WithoutRoom,
) -> AsyncGenerator[Batch, None]:
    """The stretch's emails that pass the filters; the last batch ends where the stretch ends.

    An email that vanished meanwhile is left out; one above the limit is given without its bytes, and so is one that the
    server does not give out for longer than the retries lasts. Until then the cursor stays below it, and Withheld is
    raised after the others were given. Those `without_room` are not asked for, and the cursor stays below them too.
    Raises ImapFault, after all that came before.
    """
    measured = await _measured(session, stretch.uids, headers=needs_headers(filters), retries=retries.metas)
    now = datetime.now(UTC)
    wanted, unjudged = sift(measured.metas, lambda meta: matches(filters, meta, now=now))
    given_up = retries.bodies.given_up(monotonic())
    readable = [meta for meta in wanted if meta.uid not in given_up]
    sized = await _sized(session, readable, max_bytes=limits.max_mail_bytes)
    resized = {meta.uid for meta, said in zip(sized, readable, strict=True) if meta is not said}
    small_enough = {meta.uid: meta for meta in sized if meta.size <= limits.max_mail_bytes}
    alone = retries.bodies.alone()  # asked for last: the cursor waits for them
    waiting = await without_room(list(small_enough.values()))
    held = measured.gaps.union(small_enough.keys() & set(alone), waiting)
    batch = Batch(filtered=stretch.passed_over + len(measured.metas) - len(wanted) - len(unjudged), held=held)
    for download in _unreadable(measured, [meta for meta in wanted if meta.uid in given_up], unjudged):
        batch.add(download)
    too_large = [meta for meta in readable if meta.uid not in small_enough]
    for meta in await _with_headers(session, too_large, retries=retries.bodies):
        batch.add(_refused(meta, Reason.MAIL_TOO_LARGE))
    complaint: ImapFault | None = measured.complaint
    wanted_now = [meta for meta in small_enough.values() if meta.uid not in waiting]
    try:
        bodies = session.fetch_bodies(wanted_now, max_bytes=limits.max_mail_bytes, alone=alone)
        async for got in bodies:
            meta = small_enough[got.uid]
            _take(batch, replace(meta, size=len(got.body or b"")) if got.uid in resized else meta, got, retries.bodies)
            if batch.full:
                yield batch
                batch = Batch(held=batch.held)
    except ImapFault as fault:
        retries.bodies.withheld(fault.uids if isinstance(fault, Withheld) else (), monotonic())
        complaint = fault
    else:
        batch.reach(stretch.up_to_uid)
    yield batch
    if complaint is not None:
        raise complaint


async def _sized(session: MailSession, metas: Sequence[Meta], *, max_bytes: int) -> Sequence[Meta]:
    """The same, where an email that is said to be too large is asked whether it is: some servers say 4 GB of any."""
    large = [meta.uid for meta in metas if meta.size > max_bytes]
    short = await session.is_no_longer(large, max_bytes=max_bytes) if large else ()
    return [replace(meta, size=max_bytes) if meta.uid in short else meta for meta in metas]


def sift(metas: Iterable[Meta], passes: Callable[[Meta], bool]) -> tuple[list[Meta], list[Meta]]:
    """The emails that pass, and those about which the filters end in an error: that holds up no other email."""
    wanted: list[Meta] = []
    unjudged: list[Meta] = []
    for meta in metas:
        try:
            if passes(meta):
                wanted.append(meta)
        except Exception as error:  # noqa: BLE001 an email's error is its own: the email is refused, with a line
            log.error("filter_failed", uid=meta.uid, error=described(error))
            unjudged.append(meta)
    return wanted, unjudged


def _unreadable(measured: Measured, given_up: Sequence[Meta], unjudged: Sequence[Meta]) -> list[Download]:
    """The emails that were given up, and those that no filter can judge. No header is asked for: that may fail too."""
    nothing_known = (Meta(uid, 0, None, frozenset()) for uid in measured.given_up)
    unmeasured = [Download(meta, refused=Reason.MAIL_UNREADABLE) for meta in nothing_known]
    withheld = [_refused(meta, Reason.MAIL_UNREADABLE) for meta in given_up]
    return unmeasured + withheld + [Download(meta, refused=Reason.HEADER_UNREADABLE) for meta in unjudged]


def _take(batch: Batch, meta: Meta, got: Fetched, retries: Retries) -> None:
    if got.withheld:
        batch.hold(got.uid)
        return
    batch.release(got.uid)
    if got.too_large:
        batch.add(_refused(meta, Reason.MAIL_TOO_LARGE))
    elif got.body is not None:
        batch.add(Download(meta, got.body))
        retries.given((got.uid,), monotonic())


def _refused(meta: Meta, reason: Reason) -> Download:
    headers = _headers_shown(meta)
    sender = headers.senders[0] if headers.senders else ""
    return Download(meta, refused=reason, subject=headers.subject[:MAX_TEXT], sender=sender[:MAX_TEXT])


def _headers_shown(meta: Meta) -> Headers:
    """None, where they cannot be read: the email is refused already."""
    try:
        return headers_of(meta.header)
    except Exception as error:  # noqa: BLE001 an email's error is its own
        log.error("header_failed", uid=meta.uid, error=described(error))
        return Headers("", ())


async def _measured(session: MailSession, uids: Sequence[int], *, headers: bool, retries: Retries) -> Measured:
    """Size, date and flags of these emails, with `headers` From and Subject too. Raises ImapFault."""
    given_up = retries.given_up(monotonic()).intersection(uids)
    asked = [uid for uid in uids if uid not in given_up]
    if not asked:
        return Measured(given_up=sorted(given_up))
    complaint = None
    try:
        metas = await session.fetch_meta(asked, headers=headers, alone=retries.alone())
    except Withheld as fault:
        retries.withheld(fault.uids, monotonic())
        retries.given(fault.told, monotonic())
        if not session.alive:
            raise
        metas, complaint = await _of_others(session, asked, fault, headers=headers), fault
    retries.given((meta.uid for meta in metas), monotonic())
    return Measured(metas, sorted(given_up), complaint)


async def _with_headers(session: MailSession, metas: Sequence[Meta], *, retries: Retries) -> Sequence[Meta]:
    """The same with From and Subject, where the server gives them out. Raises ImapFault."""
    if not metas:
        return metas
    try:
        return await session.fetch_meta([meta.uid for meta in metas], headers=True)
    except Withheld as fault:
        retries.withheld(fault.uids, monotonic())
        if not session.alive:
            raise
        return metas


async def _of_others(session: MailSession, asked: Sequence[int], fault: Withheld, *, headers: bool) -> list[Meta]:
    others = [uid for uid in asked if uid not in fault.uids]
    return await session.fetch_meta(others, headers=headers) if others else []
