"""`dmarq demo`: the whole system in a temporary directory, on a mailbox full of sample emails."""

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.console import Console

from dmarq.demo.audit import demo_mailboxes
from dmarq.demo.inbox import Inbox, Told, add_channel, told
from dmarq.demo.run import Result, as_json, as_table, watch_demo
from dmarq.embedded import EmbeddedMailbox, temporary_data_dir
from dmarq.embedded.programs import LOOPBACK, free_port
from dmarq.groups import end_by_signal
from dmarq.samples import Totals, make_mails, total
from dmarq.stack import Stack
from pipeline.settings import Settings, given
from pipeline.telemetry.logs import configure_logs

SEED = 1


@click.command()
@click.option(
    "--mails", default=200, show_default=True, type=click.IntRange(1, 200_000), help="How many sample emails."
)
@click.option("--once", is_flag=True, help="Stop when all are done; exit non-zero if a promise is broken.")
@click.option("--json", "as_machine", is_flag=True, help="Print the summary as JSON.")
def demo(*, mails: int, once: bool, as_machine: bool) -> None:
    """Run everything on a mailbox full of sample emails, in a temporary directory that is removed at the end.

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
        console.print(f"filling a mailbox with {mails:,} sample emails")
        with EmbeddedMailbox(data, mails=mails, seed=SEED, until=until) as mailbox:
            console.print("starting NATS, PostgreSQL and the services")
            environment = {"DMARQ_MAILBOXES": demo_mailboxes(mailbox), "DMARQ_DNS_HOURS": "0"}  # domains are made up
            with Inbox() as inbox, Stack(data, settings, environment=environment, durable=False) as stack:
                if settings.notify:
                    add_channel(stack, inbox)
                if not once:
                    console.print(f"to look at it, sign in: {stack.sign_in_link()}", soft_wrap=True)
                demo = _Demo(stack, mailbox, inbox if settings.notify else None, console, once, as_machine)
                result = asyncio.run(demo.run(expected))
    sys.exit(1 if once and not (result and result.all_kept) else 0)


@dataclass(frozen=True, slots=True)
class _Demo:
    """A demo in hand. `inbox` is None where no notifier runs."""

    stack: Stack
    mailbox: EmbeddedMailbox
    inbox: Inbox | None
    console: Console
    is_once: bool
    as_machine: bool

    async def run(self, expected: Totals) -> Result | None:
        """Watches until all mails are done; then stops, or waits to be told to."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.stack.watch(stopping))
            result = await watch_demo(self.stack, self.mailbox, expected, console=self.console, stopping=stopping)
            if result is not None:
                arrived = await told(self.stack, self.inbox, stopping) if self.inbox else Told()
                self._show(result, arrived)
            if self.is_once:
                stopping.set()
            elif not stopping.is_set():
                link = self.stack.sign_in_link()
                self.console.print(f"\nstill running; sign in: {link}\nstop with Ctrl-C", soft_wrap=True)
            await stopping.wait()
        return result

    def _show(self, result: Result, arrived: Told) -> None:
        if self.as_machine:
            click.echo(json.dumps(as_json(result, arrived), indent=2))
            return
        self.console.print(as_table(result, arrived))
