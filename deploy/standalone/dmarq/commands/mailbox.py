"""`dmarq mailbox`: list, test, apply, authorize, fetch, backfill, pause and resume mailboxes, retry failed actions."""

import sys
from datetime import datetime

import click

from dmarq.client import Client, segment
from dmarq.commands.authorize import authorize
from dmarq.commands.mailbox_apply import apply
from dmarq.groups import CommandGroup
from dmarq.output import Column, field, json_option, show

COLUMNS = (
    Column("ID", field("id")),
    Column("Name", field("name")),
    Column("Server", field("host")),
    Column("User", field("username")),
    Column("Folder", field("folder")),
    Column("State", field("state.word"), narrow=True),
    Column("Unsafe", lambda row: ", ".join(row["weaknesses"]).replace("_", " ")),
)


@click.group(cls=CommandGroup)
def mailbox() -> None:
    """Operate the mailboxes; ID is what `dmarq mailbox list` shows.

    \b
    Examples:
      dmarq mailbox list
      dmarq mailbox test reports
      dmarq mailbox apply mailboxes.yaml --dry-run
    """


@mailbox.command("list")
@json_option
def list_mailboxes(*, as_json: bool) -> None:
    """List the mailboxes; "unsafe" are settings by which others could read the password on the way.

    \b
    Examples:
      dmarq mailbox list
      dmarq mailbox list --json | jq -r .id
    """
    with Client.here() as client:
        rows = client.get("/mailboxes")["items"]
    show(rows, COLUMNS, as_json=as_json, empty="no mailbox yet")


@mailbox.command()
@click.argument("mailbox_id", metavar="ID")
def test(mailbox_id: str) -> None:
    """Try the connection: says how many emails there are, or what is wrong and what to do. Changes nothing.

    \b
    Example:
      dmarq mailbox test reports
    """
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

    return click.command(action, help=f"{about}\n\n\b\nExample:\n  dmarq mailbox {action} reports")(ask)


for _action, _about, _done in (
    ("fetch", "Fetch now.", "The fetcher looks into the mailbox now."),
    ("pause", "Leave the mailbox alone until it is resumed.", "Paused."),
    ("resume", "Work for the mailbox again.", "Resumed."),
    ("retry-actions", "Try failed actions again: emails that could not be marked, moved or deleted.", "Tried again."),
):
    mailbox.add_command(_asking(_action, _about, _done))


@mailbox.command()
@click.argument("mailbox_id", metavar="ID")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only emails received on this day or later.")
def backfill(mailbox_id: str, since: datetime | None) -> None:
    """Read the folder again, behind emails that are new; what is known is not stored twice.

    \b
    Examples:
      dmarq mailbox backfill reports
      dmarq mailbox backfill reports --since 2026-01-31
    """
    request = {"since": since.date().isoformat()} if since else {}
    with Client.here() as client:
        answer = client.post(f"/mailboxes/{segment(mailbox_id)}/backfill", request)
    click.echo(answer["text"])


mailbox.add_command(authorize)
mailbox.add_command(apply)
