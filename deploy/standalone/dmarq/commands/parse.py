"""`dmarq parse`: reads reports from files, without any server."""

import json
import sys
from pathlib import Path

import click

from dmarq.inputs import inputs
from dmarq.parsing import lines_of
from parser.kinds.registry import Readers
from pipeline.settings import Settings


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--full", is_flag=True, help="Print the whole report in each line.")
def parse(paths: tuple[Path, ...], *, full: bool) -> None:
    """Read reports from files, directories, mbox files and Maildirs; print one JSON line a document.

    Files may be XML, JSON, gzip, zip or mails, whatever their names. No server is needed, nothing is stored. The exit
    status is 0 unless a path could not be read. The path "-" is standard input.

    \b
    Examples:
      dmarq parse report.xml.gz
      dmarq parse ~/Maildir | jq 'select(.outcome == "refused")'
      dmarq parse --full mail.eml
      curl -s https://example.com/report.xml.gz | dmarq parse -
    """
    limits = Settings.load().limits
    failed, count, readers = False, 0, Readers()
    for item in inputs(paths, max_bytes=limits.max_mail_bytes):
        count += 1
        if item.error:
            failed = True
            click.echo(f"dmarq parse: {item.label}: {item.error}", err=True)
        for line in lines_of(item, limits=limits, is_full=full, readers=readers):
            click.echo(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
    if not count:
        click.echo("dmarq parse: there is no file to read", err=True)
    sys.exit(1 if failed else 0)
