"""The figures of a fetch run, as they grow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from fetcher.download import Batch
from fetcher.imap import ImapFault
from pipeline.contracts.events import FetchRunFinished, FetchTrigger
from pipeline.contracts.mailbox import Mailbox
from pipeline.telemetry.metrics import FETCHED_BYTES, FETCHED_MAILS, FILTERED_MAILS

MAX_DETAIL = 500  # characters


@dataclass(slots=True)
class Run:
    """One look into a mailbox's folder. Of the mails seen, those neither filtered nor fetched at its end vanished
    meanwhile, or wait for the next run because this one ended early.

    `more`: the folder is being read anew, and the next slice of it waits. `complaint`: what is odd about the folder,
    though it could be read.
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
        """The mails that are published or passed over."""
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
