"""`dmarq parse`: reads reports from files, without any server."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from dmarq.inputs import inputs
from dmarq.output import is_terminal
from dmarq.parse_summary import Line, Summary
from dmarq.parsing import lines_of
from parser.kinds.registry import Readers
from pipeline.settings import Settings


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--full", is_flag=True, help="Print the whole report in each line; implies --json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines on a terminal too.")
def parse(paths: tuple[Path, ...], *, full: bool, as_json: bool) -> None:
    """Read reports from files, directories, mbox files and Maildirs, and print what each holds.

    Files may be XML, JSON, gzip, zip or emails, whatever their names. No server is needed, nothing is stored. Where
    the output is no terminal, it is one JSON line a document. The exit status is 0 unless a path could not be read.
    The path "-" is standard input.

    \b
    Examples:
      dmarq parse report.xml.gz
      dmarq parse ~/Maildir | jq 'select(.outcome == "refused")'
      dmarq parse --full mail.eml
      curl -s https://example.com/report.xml.gz | dmarq parse -
    """
    limits = Settings.load().limits
    summary = None if full or as_json or not is_terminal() else Summary()
    say: Callable[[Line], Iterable[str]] = summary.told if summary else _as_json
    failed, count, readers = False, 0, Readers()
    for item in inputs(paths, max_bytes=limits.max_mail_bytes):
        count += 1
        if item.error:
            failed = True
            click.echo(f"dmarq parse: {item.label}: {item.error}", err=True)
        for line in lines_of(item, limits=limits, is_full=full, readers=readers):
            for text in say(line):
                click.echo(text)
    if not count:
        click.echo("dmarq parse: there is no file to read", err=True)
    elif summary:
        click.echo(f"\n{summary.totals()}")
    sys.exit(1 if failed else 0)


def _as_json(line: Line) -> Iterable[str]:
    yield json.dumps(line, ensure_ascii=False, separators=(",", ":"))
