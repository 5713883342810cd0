"""The stage for stored reports: those webhooks that want every report get it written down, in one transaction."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from notifier import store
from notifier.delivery import Channel
from notifier.findings import concerns
from notifier.store import SQL
from pipeline.contracts.events import ReportStored
from pipeline.contracts.wire import Envelope
from pipeline.notifications.channels import ChannelKind
from pipeline.postgres.connection import Database
from pipeline.runtime.stage import Result

MAILBOXES_ON_DRY_RUN = "SELECT id FROM notify_mailbox WHERE dry_run"


class ReportTaker:
    """Repeats are harmless: a report has one key. Nothing is sent of a mailbox on a dry run."""

    def __init__(self, database: Database, *, taken: Callable[[], None], dry_run: bool) -> None:
        self._database = database
        self._taken = taken
        self._dry_run = dry_run

    async def __call__(self, envelopes: Sequence[Envelope]) -> Sequence[Result]:
        """Nothing follows on the bus. Raises TryLater while PostgreSQL is away."""
        reports = [envelope.event for envelope in envelopes if isinstance(envelope.event, ReportStored)]
        async with self._database.transaction() as connection:
            channels = [channel for channel in await store.channels(connection) if _wants_reports(channel)]
            if channels:
                silent = {row["id"] for row in await connection.fetch(MAILBOXES_ON_DRY_RUN)}
                state, detail = ("dropped", "dry run") if self._dry_run else ("waiting", "")
                rows = [
                    (channel.id, "report", report.key, None, _payload(report), state, datetime.now(UTC), detail)
                    for report in reports
                    if report.mailbox_id not in silent
                    for channel in channels
                    if report.stored_at >= channel.created_at and concerns(report.domain, channel.settings.domains)
                ]
                await connection.executemany(SQL["insert_delivery"], rows)
        self._taken()
        return [[] for _ in envelopes]


def _wants_reports(channel: Channel) -> bool:
    settings = channel.settings
    return settings.enabled and settings.reports and settings.kind is ChannelKind.WEBHOOK


def _payload(report: ReportStored) -> dict[str, object]:
    """The event without its rows: whoever wants them follows the link."""
    return report.model_dump(mode="json", exclude={"rows", "rows_complete"})
