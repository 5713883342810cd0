"""`dmarq events`: the reports and events as JSON lines, as they come."""

import asyncio
import os
import re
import signal
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click

from dmarq.embedded.nats import address_in
from dmarq.following import KINDS, Stuck, consumer, follow
from pipeline.errors import TryLater
from pipeline.jetstream.connection import connected
from pipeline.jetstream.pull import ReaderExists, forget_reader, open_reader
from pipeline.settings import Settings, given
from pipeline.telemetry.logs import configure_logs

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
USER = "events"  # who may read what is published for third parties, and nothing else
OURS = ("recorder",)  # consumers of the same streams that are the system's own
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
    except BrokenPipeError:  # whoever read our lines has enough; Python's own flush at the end would say it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
