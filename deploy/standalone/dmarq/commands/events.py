"""`dmarq events`: the reports and events as JSON lines, as they come."""

import asyncio
import base64
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import click

from dmarq.embedded.nats import address_in
from pipeline.contracts.topology import Consumer
from pipeline.contracts.wire import KEY, TYPE, Wire
from pipeline.errors import TryLater
from pipeline.jetstream.connection import connected
from pipeline.jetstream.pull import Delivery, ReaderExists, Subscription, forget_reader, open_reader
from pipeline.runtime.retry import persist_unless_stopped, unless
from pipeline.settings import Settings, given
from pipeline.telemetry.logs import configure_logs

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
USER = "events"  # who may read what is published for third parties, and nothing else
OURS = ("recorder",)  # consumers of the same streams that are the system's own
AT_ONCE = 100
WAIT_S = 5.0
BEAT_S = 10.0  # a third of the time after which an event is handed out again
WRITE_GRACE_S = 1.0  # for a line in hand when told to stop; a reader that does not read may block it for ever
REPORTS, EVENTS = "REPORT", "EVENT"
KINDS = {
    "report": (REPORTS, "report.stored.*.*"),
    "aggregate": (REPORTS, "report.stored.aggregate.*"),
    "tls": (REPORTS, "report.stored.tls.*"),
    "failure": (REPORTS, "report.stored.failure.*"),
    "event": (EVENTS, "event.*.*"),
    "activity": (EVENTS, "event.*.activity"),
    "fetch-run": (EVENTS, "event.*.fetch_run_finished"),
    "acted": (EVENTS, "event.*.mail_acted"),
    "died": (EVENTS, "event.*.mail_died"),
}
"""By the word of --kind: the stream, and what is read of it."""

_moment = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])


@click.command()
@click.option("--durable", required=True, metavar="NAME", help="Under this name is kept how far you have read.")
@click.option("--kind", default="report", show_default=True, type=click.Choice(list(KINDS)), help="What to read.")
@click.option("--since", type=_moment, help="Where to begin (UTC); default: the oldest that is kept, 30 days.")
@click.option("--forget", is_flag=True, help="Forget how far NAME has read of this kind.")
def events(*, durable: str, kind: str, since: datetime | None, forget: bool) -> None:
    """Print each report or event as one JSON line (CloudEvents 1.0), and go on as they come, until Ctrl-C.

    An event is acknowledged when its line is written, so under the same NAME the next start goes on behind it. A line
    may come twice, with the same `id`, when this command or the broker is killed; none is left out. Several commands
    with one NAME share the events.

    Connects to DMARQ_NATS_URL, or to the `dmarq run` of the data directory, as the user "events", who may read this and
    nothing else.

    \b
    Examples:
      dmarq events --durable siem | while read -r line; do ...; done
      dmarq events --durable alerts --kind died | jq --unbuffered .data.reason
      dmarq events --durable siem --forget
    """
    if not NAME.fullmatch(durable) or durable in OURS:
        raise click.UsageError("--durable: letters, digits, - and _, at most 64, and not the name of a service")
    if sys.stdout is None:
        raise click.ClickException("standard output is closed: there is nowhere to write to")
    settings = Settings.load()
    configure_logs(service="dmarq", level="warning", json_lines=settings.log_json)
    url = _url(settings)
    at = None if since is None else since if since.tzinfo else since.replace(tzinfo=UTC)
    try:
        asyncio.run(_events(url, durable, kind, since=at, forget=forget))
    except ReaderExists as error:
        raise click.ClickException(f"{error}: choose another name, or --forget it first") from None
    except TryLater as error:
        refused = f"{error}: is the server away, or may this user not read {KINDS[kind][0]}?"
        raise click.ClickException(refused) from None
    except BrokenPipeError:  # whoever read our lines has enough
        _drop_output()
    except OSError as error:
        _drop_output()
        raise click.ClickException(
            f"cannot write: {error.strerror}; what was not written is not acknowledged and comes again"
        ) from None


async def _events(url: str, durable: str, kind: str, *, since: datetime | None, forget: bool) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    reader = consumer(durable, kind)
    user = urlsplit(url.partition(",")[0]).username or USER
    async with connected(url, name=user, stopping=stopping, on_change=lambda _: None) as client:
        if client is None:
            return
        if forget:
            known = await forget_reader(client, reader)
            click.echo(f"{durable} is forgotten" if known else f"{durable} was not known", err=True)
            return
        subscription = await open_reader(client, reader, since=since)
        try:
            await follow(subscription, _write, stopping)
        except Stuck:
            os._exit(0)  # a thread of ours waits for a reader that does not read, and Python would wait for it
        finally:
            await subscription.close()


def _drop_output() -> None:
    """Python flushes once more at the end, and would say it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _url(settings: Settings) -> str:
    if "DMARQ_NATS_URL" in given():
        return settings.nats_url.get_secret_value()
    url = address_in(settings.data_dir, user=USER)
    if url is None:
        raise click.ClickException(
            f"no NATS server is known: set DMARQ_NATS_URL, or name the data directory of `dmarq run` in DMARQ_DATA_DIR "
            f"(looked in {settings.data_dir})"
        )
    return url


class Stuck(Exception):
    """Told to stop while a line could not be written; it was not acknowledged and comes again."""


def consumer(name: str, kind: str) -> Consumer:
    """The durable consumer that reads this kind."""
    stream, subject = KINDS[kind]
    return Consumer(name, stream, subject, max_ack_pending=2 * AT_ONCE)


def line(wire: Wire) -> str:
    """One line: the event in the JSON format of CloudEvents 1.0. `id` is the same when it is handed out again.

    Only ASCII, with everything else escaped, so that no terminal and no reader of lines stumbles over it.
    """
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": wire.headers.get("ce-id") or wire.headers.get(KEY, ""),
        "source": wire.headers.get("ce-source", "/dmarq"),
        "type": wire.headers.get("ce-type") or wire.headers.get(TYPE, ""),
        "subject": wire.subject,
    }
    event |= {name: wire.headers[f"ce-{name}"] for name in ("time",) if f"ce-{name}" in wire.headers}
    event |= {name: wire.headers[name] for name in ("traceparent",) if name in wire.headers}
    try:
        data = {"datacontenttype": "application/json", "data": json.loads(wire.payload)}
    except (ValueError, RecursionError):
        data = {"data_base64": base64.b64encode(wire.payload).decode()}
    return json.dumps(event | data, separators=(",", ":"))


async def follow(subscription: Subscription, write: Callable[[str], None], stopping: asyncio.Event) -> None:
    """Writes each event as a line until told to stop; `write` returns when the line is out of our hands.

    What is not written is given back. A broker that is away is waited for. Raises Stuck, and what `write` raises.
    """

    async def step() -> None:
        done, deliveries = await unless(subscription.take(AT_ONCE, wait=WAIT_S), stopping)
        if done:
            await _written(deliveries or [], write, stopping)

    while not stopping.is_set():
        await persist_unless_stopped(step, stopping)


async def _written(deliveries: list[Delivery], write: Callable[[str], None], stopping: asyncio.Event) -> None:
    waiting = list(reversed(deliveries))
    try:
        async with _kept(waiting):
            while waiting and not stopping.is_set():
                writing = asyncio.to_thread(write, line(waiting[-1].wire))
                done, _ = await unless(writing, stopping, grace=WRITE_GRACE_S)
                if not done:
                    raise Stuck
                await waiting.pop().ack()
    finally:
        with suppress(TryLater):  # the broker is away, and hands them out again by itself
            for delivery in waiting:
                await delivery.give_back()


@asynccontextmanager
async def _kept(waiting: list[Delivery]) -> AsyncIterator[None]:
    """Whoever reads our lines may be slow: meanwhile the broker is told that those in hand are worked on."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for delivery in tuple(waiting):
                await delivery.still_working()

    beating = asyncio.create_task(beat(), name="beat")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
