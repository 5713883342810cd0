"""What each NATS user may do, as a table over the topology, and every way that is known to do more."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.contracts import topology
from tests.support.deployment import GuardedNats, Secrets

BUCKETS = {f"KV_{bucket.name}": f"$KV.{bucket.name}.x" for bucket in topology.BUCKETS} | {
    "KV_crash": "$KV.crash.act-x.1",
    topology.BLOB_STREAM: "$O.blob.C.x",
}
STREAMS = {stream.name: stream.subjects[0].replace("*", "x") for stream in topology.STREAMS}
EVERYTHING = STREAMS | BUCKETS
REQUESTS = (
    topology.TEST_SUBJECT,
    topology.AUTHORIZE_SUBJECT,
    topology.fetch_subject("x"),
    topology.DNS_SUBJECT,
    topology.HOSTS_SUBJECT,
    topology.LEDGER_SUBJECT,
    topology.REPARSE_SUBJECT,
    topology.NOTIFY_TEST_SUBJECT,
)
CONSUMERS = ("extractor", "parser", "recorder", "notifier-reports", "notifier-events", "act-x", "stolen")
SERVICES = ("fetcher", "extractor", "parser", "config-api", "notifier")
USERS = (*SERVICES, "migrate", "reports", "events")


@dataclass(frozen=True, slots=True)
class Rights:
    """Names of streams that a user reads and writes, the requests that it asks and answers, subjects it overhears."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    hears: frozenset[str] = frozenset()
    purges: frozenset[str] = frozenset()
    makes_streams: bool = False


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


MAY = {
    "fetcher": Rights(
        reads=_set("COMMAND KV_mailbox KV_cursor KV_lease KV_token KV_status KV_crash"),
        writes=_set("MAIL EVENT DEAD KV_cursor KV_lease KV_token KV_status KV_crash OBJ_blob"),
        asks=_set("parser.ledger"),
        hears=_set("fetcher.test fetcher.authorize fetcher.fetch.x fetcher.dns fetcher.hosts"),
        purges=_set("COMMAND KV_cursor KV_status OBJ_blob"),
    ),
    "extractor": Rights(
        reads=_set("MAIL OBJ_blob"),
        writes=_set("EXTRACT EVENT OBJ_blob"),
        purges=_set("OBJ_blob"),
    ),
    "parser": Rights(
        reads=_set("EXTRACT EVENT OBJ_blob"),
        writes=_set("COMMAND REPORT EVENT"),
        asks=_set("fetcher.dns fetcher.hosts"),
        hears=_set("parser.ledger parser.reparse"),
        purges=_set("OBJ_blob"),
    ),
    "config-api": Rights(
        reads=_set("DEAD KV_mailbox KV_cursor KV_status OBJ_blob"),
        writes=_set("MAIL EXTRACT COMMAND EVENT KV_mailbox KV_cursor OBJ_blob"),
        asks=_set("fetcher.test fetcher.authorize fetcher.fetch.x fetcher.dns parser.reparse notifier.test"),
        hears=_set("event.x.x report.stored.x.x"),
        purges=_set("OBJ_blob"),
    ),
    "notifier": Rights(reads=_set("REPORT EVENT"), hears=_set("notifier.test")),
    "migrate": Rights(makes_streams=True),
    "reports": Rights(reads=_set("REPORT"), hears=_set("report.stored.x.x")),
    "events": Rights(reads=_set("REPORT EVENT"), hears=_set("report.stored.x.x event.x.x")),
}


def readings(stream: str) -> Iterator[str]:
    """Every request by which somebody might read a stream."""
    yield from (f"$JS.API.STREAM.MSG.GET.{stream}", f"$JS.API.STREAM.SNAPSHOT.{stream}")
    yield from (f"$JS.API.DIRECT.GET.{stream}", f"$JS.API.DIRECT.GET.{stream}.{EVERYTHING[stream]}")
    yield f"$JS.API.CONSUMER.CREATE.{stream}"
    for consumer in CONSUMERS:
        yield f"$JS.API.CONSUMER.CREATE.{stream}.{consumer}"
        yield f"$JS.API.CONSUMER.CREATE.{stream}.{consumer}.{EVERYTHING[stream]}"
        yield f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{consumer}"
        yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"


def makings() -> Iterator[str]:
    """Every request by which somebody might make or change a stream: with sources, a mirror or a republish."""
    for stream in (*EVERYTHING, "STOLEN", "KV_stolen", "OBJ_stolen"):
        yield from (f"$JS.API.STREAM.{verb}.{stream}" for verb in ("CREATE", "UPDATE", "RESTORE", "DELETE"))


def migrations() -> frozenset[str]:
    """What only `migrate` may do: exactly the streams of the topology."""
    return frozenset(f"$JS.API.STREAM.{verb}.{stream}" for verb in ("CREATE", "UPDATE") for stream in EVERYTHING)


def subscriptions(user: str) -> Iterator[str]:
    """Everything that somebody might listen to and is not meant to, but for what the user hears."""
    others = (f"_INBOX_{other}.x" for other in (*USERS, "operator") if other != user)
    wide = (
        ">",
        "*.>",
        "_INBOX.>",
        "_INBOX.x",
        "mail.>",
        "event.>",
        "dead.>",
        "fetcher.>",
        "parser.>",
        "$JS.>",
        "$SYS.>",
    )
    subjects = (*EVERYTHING.values(), *REQUESTS, "$KV.>", "$O.>", "$JS.API.>", "$JS.ACK.>", *wide, *others)
    yield from (subject for subject in subjects if subject not in MAY[user].hears)


async def refused(
    user: str, secrets: Secrets, guarded: GuardedNats, *, publish: tuple[str, ...] = (), subscribe: tuple[str, ...] = ()
) -> frozenset[str]:
    """Which of these subjects the server refuses to the user; what is published could not be carried out.

    In the bare protocol: the server answers in order, so that all it refused was said before its PONG.
    """
    host, _, port = guarded.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    signing_in = {"user": user, "pass": secrets.read(f"nats/{user}"), "verbose": False, "headers": True}
    tried = [f"PUB {subject} 1\r\n?\r\n" for subject in publish]
    tried += [f"SUB {subject} {number}\r\n" for number, subject in enumerate(subscribe, 1)]
    writer.write(f"CONNECT {json.dumps(signing_in)}\r\n{''.join(tried)}PING\r\n".encode())
    said = []
    async for line in reader:
        said.append(line.decode())
        if line.startswith(b"PONG"):
            break
    writer.close()
    await writer.wait_closed()
    assert said[-1].startswith("PONG"), said[-1]
    return frozenset(
        s for s in (*publish, *subscribe) if any("Violation" in line and f'"{s}"' in line for line in said)
    )
