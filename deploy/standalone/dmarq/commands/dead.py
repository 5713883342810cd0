"""`dmarq dead`: list, show, retry and discard dead letters."""

import json
from pathlib import Path

import click

from dmarq.client import Client
from dmarq.groups import CommandGroup
from dmarq.output import Column, Row, field, json_option, show, time_of
from pipeline.contracts.reasons import Reason

REASONS = {reason.value: reason.text for reason in Reason}


def _reason(row: Row) -> str:
    """In words; its code is in `--json`."""
    code = str(row["reason"])
    return REASONS.get(code, code.replace("_", " "))


COLUMNS = (
    Column("ID", field("id"), narrow=True),
    Column("Failed", time_of("at"), narrow=True),
    Column("Mailbox", field("mailbox_id")),
    Column("Reason", _reason),
    Column("Detail", field("detail")),
    Column("Subject", field("subject_line")),
)


@click.group(cls=CommandGroup)
def dead() -> None:
    """Emails and events that failed: why, and what to do with them. ID is what `dmarq dead list` shows.

    \b
    Examples:
      dmarq dead list
      dmarq dead show 17 --mail odd.eml
      dmarq dead retry --reason attachment_too_large
    """


@dead.command("list")
@click.option("--reason", help="Only this reason code.")
@click.option("--mailbox", "mailbox_id", help="Only this mailbox.")
@click.option("--limit", default=100, show_default=True, help="At most so many.")
@json_option
def list_dead(*, reason: str | None, mailbox_id: str | None, limit: int, as_json: bool) -> None:
    """List dead letters, newest first.

    \b
    Examples:
      dmarq dead list --mailbox reports
      dmarq dead list --reason encrypted --json | jq .from_address
    """
    with Client.here() as client:
        rows = list(client.items("/dead-letters", limit=limit, reason=reason, mailbox_id=mailbox_id))
    show(rows, COLUMNS, as_json=as_json, empty="no dead letters")


@dead.command("show")
@click.argument("dead_id", metavar="ID", type=int)
@click.option("--mail", type=click.Path(path_type=Path, dir_okay=False), help="Also save the email's bytes here.")
def show_one(dead_id: int, *, mail: Path | None) -> None:
    """Show one dead letter.

    \b
    Example:
      dmarq dead show 17 --mail odd.eml
    """
    with Client.here() as client:
        click.echo(json.dumps(client.get(f"/dead-letters/{dead_id}"), indent=2, ensure_ascii=False))
        if mail is not None:
            mail.write_bytes(client.download(f"/dead-letters/{dead_id}/mail"))
            click.echo(f"saved {mail}", err=True)


@dead.command()
@click.argument("dead_ids", metavar="ID...", nargs=-1, type=int)
@click.option("--reason", help="All with this reason code instead.")
def retry(dead_ids: tuple[int, ...], *, reason: str | None) -> None:
    """Send dead letters on their way again, after what made them fail is fixed.

    \b
    Examples:
      dmarq dead retry 17 18
      dmarq dead retry --reason attachment_too_large
    """
    if bool(dead_ids) == bool(reason):
        raise click.UsageError("give ids, or --reason")
    with Client.here() as client:
        for dead_id in dead_ids:
            client.post(f"/dead-letters/{dead_id}/retry")
        retried = len(dead_ids) if dead_ids else _retry_all(client, reason or "")
    click.echo(f"{retried} sent on their way again")


@dead.command()
@click.argument("dead_ids", metavar="ID...", nargs=-1, required=True, type=int)
@click.confirmation_option(prompt="The bytes of these emails are thrown away. Go on?")
def discard(dead_ids: tuple[int, ...]) -> None:
    """Throw dead letters away.

    \b
    Example:
      dmarq dead discard 17 18
    """
    with Client.here() as client:
        for dead_id in dead_ids:
            client.delete(f"/dead-letters/{dead_id}")
    click.echo(f"{len(dead_ids)} discarded")


def _retry_all(client: Client, reason: str) -> int:
    total: int = 0
    while True:
        answer = client.post("/dead-letters/retry", {"reason": reason})
        total += int(answer["retried"])
        if answer["complete"] or not answer["retried"]:
            return total
