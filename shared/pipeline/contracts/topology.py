"""Streams, consumers and buckets as data: what is kept, how long, and what happens when it is full."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.contracts.limits import KiB, MiB

DAY = 24 * 3600  # seconds
INLINE_CARGO_BYTES = 256 * KiB  # larger cargo goes into the object store
MAX_EVENTS = 20_000  # in a work queue; then the publisher waits
MAX_PAYLOAD_BYTES = 8 * MiB
DEDUPE_WINDOW = 300.0  # seconds; beyond it the ledger's unique keys absorb a repeat


class Retention(StrEnum):
    """When a stream lets go of an event: when it is acknowledged, or at its limits."""

    WORK_QUEUE = "workqueue"
    LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream. `max_age` in seconds (0: no limit). With `refuse_when_full` a publish is refused: back-pressure."""

    name: str
    subjects: tuple[str, ...]
    retention: Retention
    refuse_when_full: bool
    max_bytes: int
    max_events: int = -1
    max_age: float = 0.0


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable pull consumer. `ack_wait` in seconds; the runtime's heartbeats renew it while work goes on.

    `max_ack_pending`: as many as a work queue holds, for events that wait for their next try are among them, and must
    not keep others from being handed out.
    """

    name: str
    stream: str
    filter_subject: str
    ack_wait: float = 30.0
    max_ack_pending: int = MAX_EVENTS


@dataclass(frozen=True, slots=True)
class Bucket:
    """A key-value bucket. `max_age` in seconds (0: no limit)."""

    name: str
    max_age: float = 0.0
    history: int = 1


MAIL = Stream("MAIL", ("mail.fetched.*",), Retention.WORK_QUEUE, True, 512 * MiB, MAX_EVENTS)
EXTRACT = Stream("EXTRACT", ("mail.extracted.*",), Retention.WORK_QUEUE, True, 512 * MiB, MAX_EVENTS)
COMMAND = Stream("COMMAND", ("mailbox.command.*",), Retention.WORK_QUEUE, True, 512 * MiB)
REPORT = Stream("REPORT", ("report.stored.*.*",), Retention.LIMITS, False, 2048 * MiB, -1, 30 * DAY)
EVENT = Stream("EVENT", ("event.*.*",), Retention.LIMITS, False, 1024 * MiB, -1, 30 * DAY)
# Full, it lets its oldest go: nothing waits for it. config-api keeps it below that (DMARQ_KEEP_REFUSED_BYTES).
DEAD = Stream("DEAD", ("dead.*.*",), Retention.LIMITS, False, 2048 * MiB, -1, 90 * DAY)
STREAMS = (MAIL, EXTRACT, COMMAND, REPORT, EVENT, DEAD)

EXTRACTOR = Consumer("extractor", "MAIL", "mail.fetched.*")
PARSER = Consumer("parser", "EXTRACT", "mail.extracted.*")
RECORDER = Consumer("recorder", "EVENT", "event.*.*")
CONSUMERS = (EXTRACTOR, PARSER, RECORDER)
# Made by the notifier where it runs: without one nothing would be pulled.
NOTIFIER_REPORTS = Consumer("notifier-reports", "REPORT", "report.stored.*.*")
NOTIFIER_EVENTS = Consumer("notifier-events", "EVENT", "event.*.*")

MAILBOX_BUCKET = Bucket("mailbox", history=1)
CURSOR_BUCKET = Bucket("cursor")
LEASE_BUCKET = Bucket("lease", max_age=30.0)
TOKEN_BUCKET = Bucket("token", max_age=400 * DAY)  # refresh tokens that nobody used for longer are worth nothing
STATUS_BUCKET = Bucket("status", max_age=30 * DAY)
CRASH_BUCKET = Bucket("crash", max_age=DAY)
BUCKETS = (MAILBOX_BUCKET, CURSOR_BUCKET, LEASE_BUCKET, TOKEN_BUCKET, STATUS_BUCKET, CRASH_BUCKET)

BLOB_STORE = Bucket("blob", max_age=90 * DAY)
BLOB_CHUNK_BYTES = 2 * MiB  # reading an object is quadratic in its chunks, so they are large
BLOB_STORE_BYTES = 8192 * MiB
BLOB_NEW_SHARE = 7 / 8  # of the store for email that comes in; the rest is for what is on its way already
BLOB_REFUSED_SHARE = 1 / 2  # of the store for refused email; where the store fills up, it makes room for new one
BLOB_STREAM = f"OBJ_{BLOB_STORE.name}"  # what the broker calls it inside


def actor(mailbox_id: str) -> Consumer:
    """The consumer of one mailbox's commands; whoever holds the mailbox's lease pulls from it."""
    return replace(Consumer("", COMMAND.name, f"mailbox.command.{mailbox_id}"), name=f"act-{mailbox_id}")


def dead_subject(consumer: str, mailbox_id: str) -> str:
    """Where a dead letter of this consumer is kept."""
    return f"dead.{consumer}.{mailbox_id or 'none'}"


LEDGER_SUBJECT = "parser.ledger"  # request: a LedgerInquiry; any parser answers with a LedgerAnswer
REPARSE_SUBJECT = "parser.reparse"  # request: a ReparseRequest; any parser answers with the job that it became
NOTIFY_TEST_SUBJECT = "notifier.test"  # request: a ChannelTest; any notifier answers with a ChannelTested
DNS_SUBJECT = "fetcher.dns"  # request: a DnsQuestion; any fetcher answers with what DNS says of a domain
HOSTS_SUBJECT = "fetcher.hosts"  # request: a HostQuestion; any fetcher answers with the host names of addresses
AUTHORIZE_SUBJECT = "fetcher.authorize"  # request: a CodeExchange; any fetcher answers with a CodeExchanged
TEST_SUBJECT = "fetcher.test"  # request: a sealed mailbox; any fetcher answers with a connection test


def fetch_subject(mailbox_id: str) -> str:
    """Request: fetch this mailbox now. The fetcher that holds the mailbox answers."""
    return f"fetcher.fetch.{mailbox_id}"


_UNSAFE = re.compile(r"[^a-z0-9_-]")
MAX_TOKEN_LENGTH = 253  # a domain name's own limit, RFC 1035 section 2.3.4


def domain_token(domain: str) -> str:
    """A domain as one subject token: dots as "_", anything else that is not a letter, digit or hyphen as "-".

    >>> domain_token("Mail.example.com")
    'mail_example_com'
    """
    return _UNSAFE.sub("-", domain.lower().replace(".", "_"))[:MAX_TOKEN_LENGTH] or "-"
