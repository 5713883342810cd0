"""Every metric, declared once, with its unit and meaning. Labels come from bounded vocabularies only."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from pipeline.contracts.reasons import Reason

LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)  # seconds

EVENTS = Counter("dmarq_stage_events_total", "Events by how they ended at a stage", ["stage", "fate"])
BATCH_SECONDS = Histogram(
    "dmarq_stage_batch_seconds", "Seconds from taking a batch to its last confirmed publish", ["stage"],
    buckets=LATENCY_BUCKETS,
)  # fmt: skip
BATCH_EVENTS = Histogram("dmarq_stage_batch_events", "Events in a batch", ["stage"], buckets=(1, 5, 20, 50, 100, 500))
DEAD_LETTERS = Counter("dmarq_dead_letters_total", "Events that became dead letters", ["stage", "reason"])
REFUSED_FULLNESS = Gauge("dmarq_refused_mail_fullness_ratio", "Refused mail that is kept, of what may be")
REFUSED_DROPPED = Counter("dmarq_refused_mail_dropped_total", "Dead letters thrown away: over the quota, or too old")
RETRIES = Counter("dmarq_retries_total", "Tries that failed and will be repeated", ["stage", "error"])
MAILS = Counter("dmarq_mails_total", "Mails by outcome, counted when committed", ["outcome"])
REPORTS = Counter("dmarq_reports_total", "Reports stored, by kind", ["kind"])
RECORDS = Counter("dmarq_records_total", "Rows of aggregate reports stored")
OUTBOX_ROWS = Gauge("dmarq_outbox_rows", "Outbox rows that are not published yet")
OUTBOX_AGE = Gauge("dmarq_outbox_age_seconds", "Age of the oldest outbox row that is not published yet; 0 for none")
CONSUMER_WAITING = Gauge("dmarq_consumer_waiting_events", "Events not handed out yet: the consumer's lag", ["consumer"])
CONSUMER_IN_HAND = Gauge("dmarq_consumer_in_hand_events", "Events handed out and not acknowledged yet", ["consumer"])
STREAM_EVENTS = Gauge("dmarq_stream_events", "Events that the stream holds", ["stream"])
STREAM_FULLNESS = Gauge("dmarq_stream_fullness_ratio", "Bytes or events held, of what the stream may hold", ["stream"])
FETCHED_MAILS = Counter("dmarq_fetched_mails_total", "Mails fetched and published", ["mailbox"])
FETCHED_BYTES = Counter("dmarq_fetched_bytes_total", "Bytes of mail fetched", ["mailbox"])
FILTERED_MAILS = Counter("dmarq_filtered_mails_total", "Mails that the filters passed over", ["mailbox"])
ACTED_MAILS = Counter("dmarq_acted_mails_total", "Mails acted on", ["mailbox", "action", "result"])
RECONCILED_MAILS = Counter(
    "dmarq_reconciled_mails_total",
    "Mails below the cursor that were fetched again: the ledger lacked them",
    ["mailbox"],
)
MAILBOX_BACKLOG = Gauge("dmarq_mailbox_backlog_mails", "Mails found in the folder and not fetched yet", ["mailbox"])
MAILBOX_NO_ROOM = Gauge(
    "dmarq_mailbox_no_room_mails", "Large emails that wait in the mailbox for room in the object store", ["mailbox"]
)
MAILBOX_STATE = Gauge("dmarq_mailbox_state", "1 for the state that the mailbox is in", ["mailbox", "state"])
MAILBOX_NEXT_POLL = Gauge("dmarq_mailbox_next_poll_timestamp_seconds", "Epoch of the next poll", ["mailbox"])
MAILBOX_OVERDUE = Gauge("dmarq_mailbox_overdue", "1 when a good poll should have ended long ago", ["mailbox"])
MAILBOX_LAST_SUCCESS = Gauge("dmarq_mailbox_last_success_timestamp_seconds", "Epoch of the last good poll", ["mailbox"])
MAILBOX_FAULTS = Counter("dmarq_mailbox_faults_total", "Failed polls and commands by category", ["mailbox", "category"])
NOTIFY_SENDINGS = Counter("dmarq_notify_sendings_total", "Attempts to send to a channel", ["kind", "result"])
NOTIFY_WAITING = Gauge("dmarq_notify_waiting", "Alerts, digests and reports that wait to be sent")
NOTIFY_DEAD = Gauge("dmarq_notify_dead", "Those that were given up after a day of failures")
NOTIFY_OVERDUE = Gauge("dmarq_notify_overdue_seconds", "For how long the one that waits longest has been due")
DEPENDENCY_UP = Gauge("dmarq_dependency_up", "1 when the dependency answers, 0 when not", ["dependency"])


class StageMetrics:
    """The counters of one stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._done = EVENTS.labels(stage, "done")
        self._dead = EVENTS.labels(stage, "dead")
        self._seconds = BATCH_SECONDS.labels(stage)
        self._size = BATCH_EVENTS.labels(stage)

    @contextmanager
    def handling(self, size: int) -> Iterator[None]:
        """Measures one try at a batch, good or bad."""
        started = perf_counter()
        self._size.observe(size)
        try:
            yield
        finally:
            self._seconds.observe(perf_counter() - started)

    def done(self, count: int) -> None:
        """So many events were handled and acknowledged."""
        self._done.inc(count)

    def dead(self, reason: Reason) -> None:
        """One event became a dead letter."""
        self._dead.inc()
        DEAD_LETTERS.labels(self._stage, reason.value).inc()

    def retried(self, error: str) -> None:
        """A try failed and will be repeated."""
        RETRIES.labels(self._stage, error).inc()
