"""`dmarq import`: files, directories, mbox files and Maildirs through the running pipeline."""

import sys
from collections import Counter
from pathlib import Path

import click

from dmarq.client import ApiError, Client
from dmarq.inputs import inputs
from pipeline.settings import Settings


@click.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
def import_(paths: tuple[Path, ...]) -> None:
    """Send files through the running pipeline, as if they had come by mail.

    Takes what `dmarq parse` takes. A file that was imported before is known and not stored twice. The mails appear in
    the ledger under the mailbox "import"; `dmarq dead list --mailbox import` tells what failed.

    \b
    Examples:
      dmarq import ~/old-reports
      dmarq import reports.mbox
    """
    limits = Settings.load().limits
    counts: Counter[str] = Counter()
    with Client.here() as client, click.progressbar(length=0, label="importing", file=sys.stderr) as bar:
        for item in inputs(paths, max_bytes=limits.max_mail_bytes):
            bar.length = (bar.length or 0) + 1
            if item.error or item.refused is not None:
                counts["left out"] += 1
                click.echo(f"dmarq import: {item.label}: {item.error or item.refused}", err=True)
                continue
            counts[_sent(client, item.label, item.data)] += 1
            bar.update(1)
    click.echo(", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing to import")
    sys.exit(1 if counts["left out"] or counts["refused"] else 0)


def _sent(client: Client, label: str, data: bytes) -> str:
    try:
        client.post_bytes("/imports", data, name=label.rpartition("/")[2])
    except ApiError as error:
        click.echo(f"dmarq import: {label}: {error.message}", err=True)
        return "refused"
    return "sent"
