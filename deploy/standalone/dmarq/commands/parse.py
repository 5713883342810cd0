"""`dmarq parse`: reads reports from files, without any server, and says what each holds."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from dmarq.inputs import inputs
from dmarq.output import is_terminal, plain
from dmarq.parsing import lines_of
from parser.kinds.registry import Readers
from pipeline.contracts.reasons import Reason
from pipeline.counting import plural
from pipeline.settings import Settings

KINDS = {"aggregate": "DMARC report", "tls": "TLS report", "failure": "failure report"}
COUNTED = {"aggregate": "message", "tls": "session", "failure": "incident"}
WITHOUT_REPORT = ("refused", "not_a_report")
Line = dict[str, Any]


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


class Summary:
    """Counts while it tells, line after line."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._file = ""

    def told(self, line: Line) -> Iterator[str]:
        """What to print for a line: the file's name where it is another one, then what was found in it."""
        self._outcomes[line["outcome"]] += 1
        if line["file"] != self._file:
            self._file = line["file"]
            yield plain(self._file)
        if line["outcome"] in WITHOUT_REPORT:
            yield plain(f"  {_words(line['outcome'])}: {_why(line)}")
            return
        yield plain(f"  {_report(line)}")
        yield plain(f"    {_size(line)}")
        if line["repairs"]:
            yield plain(f"    repaired: {', '.join(line['repairs'])}")

    def totals(self) -> str:
        """The sums over everything."""
        good = sum(number for outcome, number in self._outcomes.items() if outcome not in WITHOUT_REPORT)
        parts = [plural(good, "report")]
        parts += [f"{self._outcomes[name]:,} {_words(name)}" for name in ("repaired", *WITHOUT_REPORT)]
        return ", ".join(part for part in parts if not part.startswith("0 ")) or "no report"


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


def _why(line: Line) -> str:
    """In words; and which part of the file it is, where that is not the whole."""
    reason = Reason(line["reason"]).text if line["reason"] else ""
    where = f" ({line['part']})" if line["part"] not in ("", "0") else ""
    detail = f": {line['detail']}" if line["detail"] not in ("", reason) else ""
    return f"{reason}{detail}{where}"


def _report(line: Line) -> str:
    who = line["org_name"] or "an unnamed reporter"
    return f"{KINDS[line['kind']]} by {who} about {line['domain'] or 'an unnamed domain'}"


def _size(line: Line) -> str:
    first, last = (_day(line[name]) for name in ("begin", "end"))
    period = first if first == last else f"{first} to {last}"
    counts = f"{plural(line['records'], 'record')}, {plural(line['messages'], COUNTED[line['kind']])}"
    return f"{period}, {counts}"


def _day(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):  # a report may claim any time
        return str(seconds)
