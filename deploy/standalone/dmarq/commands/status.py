"""`dmarq status`: how the mailboxes and the mails are doing."""

import json
from typing import Any

import click

from dmarq.client import Client
from dmarq.output import json_option, show

COLUMNS = ("id", "state.word", "state.last_success_at", "state.mails_24h", "state.failed_24h", "state.detail")


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show each mailbox, where every fetched mail is, and what waits: in the streams, the outbox, as dead letters."""
    with Client.here() as client:
        show(client.get("/mailboxes")["items"], COLUMNS, as_json=as_json, empty="no mailbox is configured yet")
        letters = client.get("/dead-letters/reasons")["items"]
    if not as_json:
        click.echo()
    show(letters, ("letters", "reason", "reason_text"), as_json=as_json, empty="no dead letters")
