"""`dmarq status`: how the mailboxes and the emails are doing."""

from collections.abc import Iterable
from typing import Any

import click

from dmarq.client import Client
from dmarq.output import Column, Row, field, json_option, plain, show, time_of


def _last_day(row: Row) -> str:
    state = row["state"]
    failed = f", {state['failed_24h']:,} failed" if state["failed_24h"] else ""
    return f"{state['mails_24h']:,}{failed}"


MAILBOXES = (
    Column("Mailbox", field("id")),
    Column("State", field("state.word"), narrow=True),
    Column("Last success", time_of("state.last_success_at"), narrow=True),
    Column("Next fetch", time_of("state.live.next_poll_at"), narrow=True),
    Column("Waiting", field("state.live.behind"), narrow=True),
    Column("Last 24 h", _last_day),
)
STREAMS = (
    Column("Stream", field("name")),
    Column("Events", field("events")),
    Column("Full", lambda row: f"{row['fullness']:.0%}"),
)
DEAD = (
    Column("Dead letters", field("letters")),
    Column("Reason", field("reason")),
    Column("Which means", field("reason_text")),
)


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show each mailbox, where every fetched email is, and what waits: in the streams, the outbox, as dead letters.

    \b
    Examples:
      dmarq status
      dmarq status --json | jq 'select(.state.word == "error") | .id'
    """
    with Client.here() as client:
        mailboxes = client.get("/mailboxes")["items"]
        whole = client.get("/status")
        reasons = client.get("/dead-letters/reasons")["items"]
    show(mailboxes, MAILBOXES, as_json=as_json, empty="no mailbox is configured yet")
    if as_json:
        show([whole], (), as_json=True, empty="")
    else:
        for line in (*_remarks(mailboxes), "", *_totals(whole), ""):
            click.echo(line)
        show(whole["streams"], STREAMS, as_json=False, empty="")
        click.echo()
    show(reasons, DEAD, as_json=as_json, empty="no dead letters")


def _remarks(mailboxes: Iterable[Row]) -> Iterable[str]:
    """What is wrong with a mailbox, and what is unsafe about it, each in a line below the table."""
    for mailbox in mailboxes:
        if detail := mailbox["state"]["detail"]:
            yield plain(f"{mailbox['id']}: {detail}")
        if mailbox["weaknesses"]:
            yield plain(f"{mailbox['id']}: unsafe: {', '.join(mailbox['weaknesses']).replace('_', ' ')}")


def _totals(whole: dict[str, Any]) -> Iterable[str]:
    """What became of every email that was fetched, and what waits."""
    mails, outbox = whole["mails"], whole["outbox"]
    yield f"Emails fetched {mails['fetched']:>13,}"
    for name in ("imported", "duplicate", "failed", "not_a_report", "in_flight"):
        words = "on their way" if name == "in_flight" else name.replace("_", " ")
        yield f"  {words:14} {mails[name]:>11,}"
    yield f"Commands: {mails['commands_pending']:,} pending, {mails['commands_failed']:,} refused by the mail server"
    yield f"Outbox:   {outbox['events']:,} events, the oldest {outbox['age_seconds']:.0f} s old"
