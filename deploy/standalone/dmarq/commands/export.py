"""`dmarq export`: everything out, as the original files and as JSON lines."""

import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import click

from dmarq.client import ApiError, Client
from pipeline.contracts.mailbox import MailboxSettings

EVERYTHING = 2**62
UNFINISHED = ".unfinished"
SAFE_NAME = re.compile(r"[A-Za-z0-9!@_-][A-Za-z0-9!@._-]{0,150}")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--no-documents", is_flag=True, help="Only the JSON lines, not the files as they were received.")
def export(directory: Path, *, no_documents: bool) -> None:
    """Write everything that was collected into DIR, which must be empty or not exist.

    \b
      documents/ID/NAME   each report as it was received, uncompressed, as long as it is kept
      reports.jsonl       each report: who, about whom, when, how many, the policy; `document` is its file
      records.jsonl       the rows of aggregate reports; `report` is the id of theirs
      emails.jsonl        every email that was fetched, and what became of it
      mailboxes.json      the mailboxes without their secrets, as `dmarq mailbox apply` takes them

    `dmarq import DIR/documents` reads the reports in elsewhere. DIR is there in full, or not at all.

    \b
    Examples:
      dmarq export /srv/leaving
      dmarq export /srv/tables --no-documents
    """
    directory = directory.expanduser().absolute()
    if directory.exists() and any(directory.iterdir()):
        raise click.ClickException(f"{directory} is not empty")
    unfinished = directory.with_name(directory.name + UNFINISHED)
    try:
        unfinished.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise click.ClickException(f"{unfinished} is left of an export that was ended: remove it") from None
    try:
        with Client.here() as client:
            counts = _exported(client, unfinished, with_documents=not no_documents)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.rename(directory)
    click.echo(", ".join(f"{number:,} {what}" for what, number in counts.items()))


def _exported(client: Client, directory: Path, *, with_documents: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    _write_mailboxes(client, directory / "mailboxes.json")
    with _lines(directory / "emails.jsonl") as emails:
        for mail in client.items("/mails", limit=EVERYTHING):
            _write(emails, mail)
            counts["emails"] += 1
    with (
        _lines(directory / "reports.jsonl") as reports,
        _lines(directory / "records.jsonl") as records,
        click.progressbar(_reports(client), label="exporting", file=sys.stderr) as bar,
    ):
        for report in bar:
            document = _document(client, report, directory) if with_documents else None
            _write(reports, report | {"document": document})
            counts["reports"] += 1
            counts["documents"] += document is not None
            for record in client.items(f"/reports/{report['id']}/records", limit=EVERYTHING):
                _write(records, {"report": report["id"]} | record)
                counts["records"] += 1
    return counts


def _reports(client: Client) -> Iterator[dict[str, Any]]:
    for summary in client.items("/reports", limit=EVERYTHING):
        yield client.get(f"/reports/{summary['id']}")


def _document(client: Client, report: dict[str, Any], directory: Path) -> str | None:
    """The report's file, relative to the directory; None where it is no longer kept."""
    if not report["has_document"]:
        return None
    place = directory / "documents" / str(report["id"])
    place.mkdir(parents=True)
    received = place / "received"
    try:
        name = client.save(f"/reports/{report['id']}/document", received)
    except ApiError as error:
        if error.status not in (HTTPStatus.GONE, HTTPStatus.NOT_FOUND):  # its time was over meanwhile
            raise
        place.rmdir()
        return None
    target = place / (name if SAFE_NAME.fullmatch(name) else f"report-{report['id']}")
    received.rename(target)
    return target.relative_to(directory).as_posix()


def _write_mailboxes(client: Client, path: Path) -> None:
    mailboxes = client.get("/mailboxes")["items"]
    kept = ("id", *MailboxSettings.model_fields)
    settings = [{name: mailbox[name] for name in kept if name in mailbox} for mailbox in mailboxes]
    path.write_text(json.dumps({"mailboxes": settings}, indent=2) + "\n", encoding="utf-8")


def _lines(path: Path) -> IO[str]:
    return path.open("x", encoding="utf-8")


def _write(file: IO[str], row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")
