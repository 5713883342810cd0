"""`dmarq mailbox`: list, test, authorize, fetch, backfill, pause and resume mailboxes."""

import sys

import click

from dmarq.client import Client, segment
from dmarq.commands.authorize import authorize
from dmarq.output import json_option, show


@click.group()
def mailbox() -> None:
    """Operate the mailboxes; ID is what `dmarq mailbox list` shows."""


@mailbox.command("list")
@json_option
def list_mailboxes(*, as_json: bool) -> None:
    """List the mailboxes."""
    with Client.here() as client:
        rows = client.get("/mailboxes")["items"]
    show(rows, ("id", "name", "host", "username", "folder", "state.word"), as_json=as_json, empty="no mailbox yet")


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
    ("backfill", "Read the folder from its beginning; what is known is not stored twice.", "Started."),
    ("pause", "Leave the mailbox alone until it is resumed.", "Paused."),
    ("resume", "Work for the mailbox again.", "Resumed."),
):
    mailbox.add_command(_asking(_action, _about, _done))
mailbox.add_command(authorize)
