"""`dmarq mailbox`: list, test, authorize, fetch, backfill, pause and resume mailboxes, retry what failed in them."""

import sys
from datetime import datetime

import click

from dmarq.client import Client, segment
from dmarq.commands.authorize import authorize
from dmarq.output import json_option, show

COLUMNS = ("id", "name", "host", "username", "folder", "state.word", "weaknesses")


@click.group()
def mailbox() -> None:
    """Operate the mailboxes; ID is what `dmarq mailbox list` shows."""


@mailbox.command("list")
@json_option
def list_mailboxes(*, as_json: bool) -> None:
    """List the mailboxes; "weaknesses" are settings by which others could read the password on the way."""
    with Client.here() as client:
        rows = client.get("/mailboxes")["items"]
    show(rows, COLUMNS, as_json=as_json, empty="no mailbox yet")


@mailbox.command()
@click.argument("mailbox_id", metavar="ID")
def test(mailbox_id: str) -> None:
    """Try the connection: says how many mails there are, or what is wrong and what to do. Changes nothing."""
    with Client.here() as client:
        answer = client.post(f"/mailboxes/{segment(mailbox_id)}/test")
    click.echo(answer["summary"])
    for step in answer["recovery_steps"]:
        click.echo(f"  - {step}")
    sys.exit(0 if answer["success"] else 1)


def _asking(action: str, about: str, done: str) -> click.Command:
    @click.argument("mailbox_id", metavar="ID")
    def ask(mailbox_id: str) -> None:
        with Client.here() as client:
            answer = client.post(f"/mailboxes/{segment(mailbox_id)}/{action}")
        click.echo((answer or {}).get("text") or done)

    return click.command(action, help=about)(ask)


for _action, _about, _done in (
    ("fetch", "Fetch now.", "The fetcher looks into the mailbox now."),
    ("pause", "Leave the mailbox alone until it is resumed.", "Paused."),
    ("resume", "Work for the mailbox again.", "Resumed."),
    ("retry-actions", "Try failed actions again: mails that could not be marked, moved or deleted.", "Tried again."),
):
    mailbox.add_command(_asking(_action, _about, _done))


@mailbox.command()
@click.argument("mailbox_id", metavar="ID")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only mails received on this day or later.")
def backfill(mailbox_id: str, since: datetime | None) -> None:
    """Read the folder anew, behind mails that are new; what is known is not stored twice."""
    wish = {"since": since.date().isoformat()} if since else {}
    with Client.here() as client:
        answer = client.post(f"/mailboxes/{segment(mailbox_id)}/backfill", wish)
    click.echo(answer["text"])


mailbox.add_command(authorize)
