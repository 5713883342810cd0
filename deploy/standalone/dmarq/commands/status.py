"""`dmarq status`: how the mailboxes and the mails are doing."""

from typing import Any

import click

from dmarq.client import Client
from dmarq.output import json_option, show

MAILBOXES = (
    "id",
    "state.word",
    "state.last_success_at",
    "state.live.next_poll_at",
    "state.live.behind",
    "state.mails_24h",
    "state.failed_24h",
    "state.detail",
    "weaknesses",
)
STREAMS = ("name", "events", "fullness")
LETTERS = ("letters", "reason", "reason_text")


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show each mailbox, where every fetched mail is, and what waits: in the streams, the outbox, as dead letters."""
    with Client.here() as client:
        mailboxes = client.get("/mailboxes")["items"]
        whole = client.get("/status")
        letters = client.get("/dead-letters/reasons")["items"]
    show(mailboxes, MAILBOXES, as_json=as_json, empty="no mailbox is configured yet")
    if as_json:
        show([whole], (), as_json=True, empty="")
    else:
        click.echo(_told(whole))
        show(whole["streams"], STREAMS, as_json=False, empty="")
        click.echo()
    show(letters, LETTERS, as_json=as_json, empty="no dead letters")


def _told(whole: dict[str, Any]) -> str:
    """The law of conservation, and what waits, in words."""
    mails, outbox = whole["mails"], whole["outbox"]
    return (
        f"\nfetched {mails['fetched']:,} = {mails['imported']:,} imported + {mails['duplicate']:,} duplicate "
        f"+ {mails['failed']:,} failed + {mails['not_a_report']:,} not a report + {mails['in_flight']:,} on their way\n"
        f"commands: {mails['commands_pending']:,} pending, {mails['commands_failed']:,} refused by the mail server\n"
        f"outbox: {outbox['events']:,} events, the oldest {outbox['age_seconds']:.0f} s old\n"
    )
