"""A fetch run: a folder's emails in stretches to look at and in batches to publish, its figures, as they grow, and an
email of it as the event that the extractor gets.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from fetcher.imap.grammar.faults import ImapFault
from fetcher.imap.grammar.fetch_answer import Meta
from pipeline.contracts.cursor import Landmark
from pipeline.contracts.events import FetchRunFinished, FetchTrigger
from pipeline.contracts.limits import MiB
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.mailbox import MailAction, Mailbox
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope, Parcel
from pipeline.telemetry.metrics import FETCHED_BYTES, FETCHED_MAILS, FILTERED_MAILS

BATCH_MAILS = 50
BATCH_BYTES = 2 * MiB


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the folder: the UIDs to look at, how many the server passed over, and where it ends."""

    uids: tuple[int, ...]
    passed_over: int
    up_to_uid: int


@dataclass(frozen=True, slots=True)
class Download:
    """An email with its bytes, or without them and with the reason why it was not downloaded."""

    meta: Meta
    body: bytes | None = None
    refused: Reason | None = None
    subject: str = ""
    sender: str = ""


@dataclass(slots=True)
class Batch:
    """Mails to publish together. When they are confirmed, every email up to `up_to_uid` is dealt with.

    `held`: emails that must be asked for, or asked for again; the cursor stays below them.
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
        """Every email up to this one is dealt with, but for the one that is asked for again and those behind it."""
        self.up_to_uid = min((uid, *(held - 1 for held in self.held)))

    @property
    def landmark(self) -> Landmark | None:
        """The latest email of those that are dealt with, if the server told when it was received."""
        dated = ((it.meta.uid, it.meta.internal_date) for it in self.downloads if it.meta.uid <= self.up_to_uid)
        return max(
            (Landmark(uid=uid, received_at=at) for uid, at in dated if at is not None),
            key=lambda it: it.uid,
            default=None,
        )

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


MAX_DETAIL = 500  # characters
UNTOUCHED = frozenset({Reason.MAIL_UNREADABLE, Reason.HEADER_UNREADABLE})


@dataclass(slots=True)
class Run:
    """One look into a mailbox's folder. Of the emails seen, those neither filtered nor fetched at its end vanished
    meanwhile, or wait for the next run because this one ended early.

    `more`: the folder is being read again, and the next slice of it waits. `complaint`: what is odd about the folder,
    though it could be read. `untouched`: its emails are left as they are, for their UIDs name them only today.
    """

    mailbox: Mailbox
    trigger: FetchTrigger
    folder: str
    progressed: Callable[["Run"], None]
    id: str = field(default_factory=lambda: uuid4().hex)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seen: int = 0
    filtered: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    more: bool = False
    complaint: ImapFault | None = None
    untouched: bool = False

    def found(self, mails: int) -> None:
        """So many are new in the folder."""
        self.seen = mails
        self.progressed(self)

    def count(self, batch: Batch) -> None:
        """Adds a batch that is published and below the cursor."""
        self.filtered += batch.filtered
        self.fetched += len(batch.downloads)
        self.fetched_bytes += batch.size
        FETCHED_MAILS.labels(self.mailbox.id).inc(len(batch.downloads))
        FETCHED_BYTES.labels(self.mailbox.id).inc(batch.size)
        FILTERED_MAILS.labels(self.mailbox.id).inc(batch.filtered)
        self.progressed(self)

    @property
    def done(self) -> int:
        """The emails that are published or passed over."""
        return self.filtered + self.fetched

    def finished(self, *, category: str = "ok", detail: str = "") -> FetchRunFinished:
        """The run as an event."""
        return FetchRunFinished(
            mailbox_id=self.mailbox.id,
            run_id=self.id,
            folder=self.folder,
            trigger=self.trigger,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            seen=self.seen,
            filtered=self.filtered,
            fetched=self.fetched,
            fetched_bytes=self.fetched_bytes,
            category=category,
            detail=detail[:MAX_DETAIL],
        )


def fetched(run: Run, uidvalidity: int, download: Download, *, untouched: bool = False) -> Envelope:
    """The event, and the bytes where there are any.

    An email whose bytes nobody has seen is never touched, whatever becomes of it: it is all there is. Nor is one of
    which nobody knows whether it passes the filters, nor one that is to stay `untouched`.
    """
    handling = run.mailbox.handling()
    if download.refused in UNTOUCHED:
        handling = handling.model_copy(update={"on_failed": MailAction()})
    if untouched or run.untouched:
        nothing = dict.fromkeys(("on_processed", "on_failed", "on_not_a_report"), MailAction())
        handling = handling.model_copy(update=nothing)
    event = MailFetched(
        mail=MailRef.of(mailbox_id=run.mailbox.id, folder=run.folder, uidvalidity=uidvalidity, uid=download.meta.uid),
        handling=handling,
        size=download.meta.size,
        internal_date=download.meta.internal_date,
        fetched_at=datetime.now(UTC),
        run_id=run.id,
        refused=download.refused,
        subject_line=download.subject,
        from_address=download.sender,
    )
    return Envelope(event, () if download.body is None else (Parcel.of(download.body),))
