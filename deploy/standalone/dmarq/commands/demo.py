"""`dmarq demo`: the whole system in a temporary directory, on a mailbox full of sample mails."""

import asyncio
import json
import signal
import sys
from datetime import UTC, datetime

import click
from rich.console import Console

from dmarq.demo.account import demo_mailboxes
from dmarq.demo.run import Result, watch_demo
from dmarq.demo.summary import as_json, as_table
from dmarq.embedded import EmbeddedMailbox, temporary_data_dir
from dmarq.embedded.port import LOOPBACK, free_port
from dmarq.interrupts import end_by_signal
from dmarq.samples import Totals, make_mails, total
from dmarq.stack import Stack
from pipeline.settings import Settings, given
from pipeline.telemetry.logs import configure_logs

SEED = 1


@click.command()
@click.option("--mails", default=200, show_default=True, type=click.IntRange(1, 200_000), help="How many sample mails.")
@click.option("--once", is_flag=True, help="Stop when all are done; exit non-zero if a promise is broken.")
@click.option("--json", "as_machine", is_flag=True, help="Print the summary as JSON.")
def demo(*, mails: int, once: bool, as_machine: bool) -> None:
    """Run everything on a mailbox full of sample mails, in a temporary directory that is removed at the end.

    \b
    Examples:
      dmarq demo
      dmarq demo --mails 2000 --once
      dmarq demo --mails 500 --once --json | jq .outcomes
    """
    settings = Settings.load()
    if "DMARQ_HTTP_ADDRESS" not in given():
        settings = settings.model_copy(update={"http_address": f"{LOOPBACK}:{free_port()}"})
    configure_logs(service="dmarq", level="warning", json_lines=settings.log_json)
    end_by_signal()
    console = Console(stderr=as_machine)
    until = datetime.now(UTC).date()
    expected = total(make_mails(mails, SEED, until=until))
    with temporary_data_dir() as data:
        console.print(f"filling a mailbox with {mails:,} sample mails")
        with EmbeddedMailbox(data, mails=mails, seed=SEED, until=until) as mailbox:
            console.print("starting NATS, PostgreSQL and the four services")
            environment = {"DMARQ_MAILBOXES": demo_mailboxes(mailbox)}
            with Stack(data, settings, environment=environment, durable=False) as stack:
                if not once:
                    console.print(f"to look at it, sign in: {stack.sign_in_link}", soft_wrap=True)
                result = asyncio.run(
                    _run(stack, mailbox, expected, console=console, is_once=once, as_machine=as_machine)
                )
    sys.exit(1 if once and not (result and result.all_kept) else 0)


async def _run(
    stack: Stack, mailbox: EmbeddedMailbox, expected: Totals, *, console: Console, is_once: bool, as_machine: bool
) -> Result | None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(stack.watch(stopping))
        result = await watch_demo(stack, mailbox, expected, console=console, stopping=stopping)
        if result is not None:
            _show(result, console, as_machine=as_machine)
        if is_once:
            stopping.set()
        elif not stopping.is_set():
            console.print(f"\nstill running; sign in: {stack.sign_in_link}\nstop with Ctrl-C", soft_wrap=True)
        await stopping.wait()
    return result


def _show(result: Result, console: Console, *, as_machine: bool) -> None:
    if as_machine:
        click.echo(json.dumps(as_json(result), indent=2))
        return
    console.print(as_table(result))
