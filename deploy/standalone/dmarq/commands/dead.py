"""`dmarq dead`: list, show, retry and discard dead letters."""

import json
from pathlib import Path

import click

from dmarq.client import Client
from dmarq.output import json_option, show


@click.group()
def dead() -> None:
    """Mails and events that failed: why, and what to do with them. ID is what `dmarq dead list` shows."""


@dead.command("list")
@click.option("--reason", help="Only this reason code.")
@click.option("--mailbox", "mailbox_id", help="Only this mailbox.")
@click.option("--limit", default=100, show_default=True, help="At most so many.")
@json_option
def list_letters(*, reason: str | None, mailbox_id: str | None, limit: int, as_json: bool) -> None:
    """List dead letters, newest first."""
    with Client.here() as client:
        rows = list(client.items("/dead-letters", limit=limit, reason=reason, mailbox_id=mailbox_id))
    columns = ("id", "at", "mailbox_id", "reason", "detail", "subject_line")
    show(rows, columns, as_json=as_json, empty="no dead letters")


@dead.command("show")
@click.argument("letter_id", metavar="ID", type=int)
@click.option("--mail", type=click.Path(path_type=Path, dir_okay=False), help="Also save the mail's bytes here.")
def show_letter(letter_id: int, *, mail: Path | None) -> None:
    """Show one dead letter."""
    with Client.here() as client:
        click.echo(json.dumps(client.get(f"/dead-letters/{letter_id}"), indent=2, ensure_ascii=False))
        if mail is not None:
            mail.write_bytes(client.download(f"/dead-letters/{letter_id}/mail"))
            click.echo(f"saved {mail}", err=True)


@dead.command()
@click.argument("letter_ids", metavar="ID...", nargs=-1, type=int)
@click.option("--reason", help="All with this reason code instead.")
def retry(letter_ids: tuple[int, ...], *, reason: str | None) -> None:
    """Send dead letters on their way again, after what made them fail is mended.

    \b
    Examples:
      dmarq dead retry 17 18
      dmarq dead retry --reason attachment_too_large
    """
    if bool(letter_ids) == bool(reason):
        raise click.UsageError("give ids, or --reason")
    with Client.here() as client:
        for letter_id in letter_ids:
            client.post(f"/dead-letters/{letter_id}/retry")
        retried = len(letter_ids) if letter_ids else _retry_all(client, reason or "")
    click.echo(f"{retried} sent on their way again")


@dead.command()
@click.argument("letter_ids", metavar="ID...", nargs=-1, required=True, type=int)
@click.confirmation_option(prompt="The bytes of these mails are thrown away. Go on?")
def discard(letter_ids: tuple[int, ...]) -> None:
    """Throw dead letters away."""
    with Client.here() as client:
        for letter_id in letter_ids:
            client.delete(f"/dead-letters/{letter_id}")
    click.echo(f"{len(letter_ids)} discarded")


def _retry_all(client: Client, reason: str) -> int:
    total: int = 0
    while True:
        answer = client.post("/dead-letters/retry", {"reason": reason})
        total += int(answer["retried"])
        if answer["complete"] or not answer["retried"]:
            return total
