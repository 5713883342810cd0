"""A mail of a folder as the event that the extractor gets."""

from datetime import UTC, datetime

from fetcher.download import Download
from fetcher.fetch_run import Run
from pipeline.contracts.events import MailFetched
from pipeline.contracts.mail import MailRef
from pipeline.contracts.mailbox import MailAction
from pipeline.contracts.reasons import Reason
from pipeline.contracts.wire import Envelope, Parcel

UNTOUCHED = frozenset({Reason.MAIL_UNREADABLE, Reason.HEADER_UNREADABLE})


def fetched(run: Run, uidvalidity: int, download: Download, *, untouched: bool = False) -> Envelope:
    """The event, and the bytes where there are any.

    A mail whose bytes nobody has seen is never touched, whatever becomes of it: it is all there is. Nor is one of which
    nobody knows whether it passes the filters, nor one that is to stay `untouched`.
    """
    handling = run.mailbox.handling()
    if download.refused in UNTOUCHED:
        handling = handling.model_copy(update={"on_failed": MailAction()})
    if untouched:
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
