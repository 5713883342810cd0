"""`dmarq import`: files, directories, mbox files and Maildirs through the running pipeline."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from http import HTTPStatus
from pathlib import Path

import click

from dmarq.client import ApiError, Client
from dmarq.inputs import Input, inputs
from pipeline.settings import Settings

ABOUT_THE_FILE = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
AT_ONCE = 8  # files on their way; each is in memory until it has arrived


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
    found = inputs(paths, max_bytes=Settings.load().limits.max_mail_bytes)
    counts: Counter[str] = Counter()
    with Client.here() as client, click.progressbar(length=0, label="importing", file=sys.stderr) as bar:
        for item, complaint in _sent(client, found):
            bar.length = (bar.length or 0) + 1
            bar.update(1)
            counts["left out" if complaint else "sent"] += 1
            if complaint:
                click.echo(f"dmarq import: {item.label}: {complaint}", err=True)
    click.echo(", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing to import")
    sys.exit(1 if counts["left out"] else 0)


def _sent(client: Client, found: Iterable[Input]) -> Iterator[tuple[Input, str]]:
    """Each input once it is sent, with what was wrong with it, or ""; in no order. At most `AT_ONCE` are read ahead."""
    under_way: dict[Future[str], Input] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for item in found:
            under_way[pool.submit(_send, client, item)] = item
            if len(under_way) >= AT_ONCE:
                yield from _arrived(under_way)
        while under_way:
            yield from _arrived(under_way)


def _arrived(under_way: dict[Future[str], Input]) -> Iterator[tuple[Input, str]]:
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        yield under_way.pop(future), future.result()


def _send(client: Client, item: Input) -> str:
    """What is wrong with the file, or "". Raises ApiError for what is wrong with all of them."""
    if item.error or item.refused is not None:
        return item.error or (item.refused.text if item.refused else "")
    try:
        client.post_bytes("/imports", item.data, name=Path(item.label).name)
    except ApiError as error:
        if error.status not in ABOUT_THE_FILE:
            raise
        return error.message
    return ""
