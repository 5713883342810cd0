"""`dmarq import`: files, directories, mbox files and Maildirs through the running pipeline."""

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

import click

from dmarq.client import ApiError, Client
from dmarq.foreign.inputs import everything
from dmarq.inputs import Input
from dmarq.output import json_option, plain
from pipeline.contracts.reasons import Reason
from pipeline.settings import Settings

ABOUT_THE_FILE = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
NOT_YET = frozenset({0, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE})  # 0: it does not answer
AT_ONCE = 8  # files on their way; each is in memory until it has arrived
ASK_EVERY_S = 0.2
LEFT_OUT, SENT, ON_ITS_WAY = "left out", "sent", "on its way"
BAD = (LEFT_OUT, ON_ITS_WAY, "failed")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a file: in one or two words, why, and where a browser sees more of it."""

    file: str
    outcome: str
    why: str = ""
    mail_id: str = ""
    link: str = ""
    tool: str = ""
    is_known: bool = False  # the same file came before


@click.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--no-wait", is_flag=True, help="Only send the files; do not wait for what becomes of them.")
@click.option("--timeout", default=300, show_default=True, help="Give up after so many seconds without an outcome.")
@json_option
def import_(paths: tuple[str, ...], *, no_wait: bool, timeout: int, as_json: bool) -> None:
    """Send files through the running pipeline, as if they had come by email, and say what became of each.

    Takes what `dmarq parse` takes, and what other tools kept: the JSON and CSV files of parsedmarc, its PostgreSQL
    database (postgresql://...), and raw_xml of dmarcts-report-parser: a dump by mysqldump or pg_dump, or its PostgreSQL
    database. What another tool did not keep as it came is put together again and marked as rebuilt.

    A file that was imported before is known and not stored twice, nor is a report. The emails appear in the ledger
    under the mailbox "import". The exit status is 1 when one was left out, has failed, or is still on its way after
    the timeout.

    \b
    Examples:
      dmarq import ~/old-reports
      dmarq import reports.mbox --no-wait
      dmarq import /var/lib/parsedmarc/*.json
      dmarq import postgresql://parsedmarc@db.example/parsedmarc
      dmarq import reports.zip --json | jq 'select(.outcome == "failed")'
    """
    found = everything(paths, max_bytes=Settings.load().limits.max_mail_bytes)
    counts: Counter[str] = Counter()
    by_tool: dict[str, Counter[str]] = defaultdict(Counter)
    with Client.here() as client:
        sent = list(_with_bar(_sent(client, found)))
        for result in sent if no_wait else _outcomes(client, sent, timeout):
            counts[result.outcome] += 1
            if result.tool:
                by_tool[result.tool]["known already" if result.is_known else result.outcome] += 1
            _tell(result, as_json=as_json)
    if not as_json:
        click.echo(", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing to import")
        for tool, outcomes in by_tool.items():
            told = ", ".join(f"{number} {what}" for what, number in sorted(outcomes.items()))
            click.echo(f"from {tool}: {outcomes.total()} read, of these {told}")
    sys.exit(1 if any(counts[outcome] for outcome in BAD) else 0)


def _with_bar(sent: Iterable[Result]) -> Iterator[Result]:
    """The same, with a line on a terminal's standard error that says how many there were."""
    with click.progressbar(length=0, label="sending", file=sys.stderr) as bar:
        for result in sent:
            bar.length = (bar.length or 0) + 1
            bar.update(1)
            yield result


def _tell(result: Result, *, as_json: bool) -> None:
    if as_json:
        line = {name: getattr(result, name) for name in ("file", "tool", "outcome", "why", "mail_id", "link")}
        click.echo(json.dumps(line, ensure_ascii=False))
    elif result.outcome == LEFT_OUT:
        click.echo(f"dmarq import: {plain(result.file)}: {plain(result.why)}", err=True)
    elif result.outcome != SENT:
        why = f": {result.why}" if result.why else ""
        click.echo(plain(f"{result.file}: {result.outcome}{why}"))
        click.echo(f"  {result.link}")


def _outcomes(client: Client, sent: Iterable[Result], timeout: float) -> Iterator[Result]:
    """Each file with its outcome, in the order of sending; gives up on all when none comes for `timeout` seconds."""
    until = time.monotonic() + timeout
    for one in sent:
        if one.outcome == LEFT_OUT:
            yield one
            continue
        while (ended := _outcome(client, one)) is None and time.monotonic() < until:
            time.sleep(ASK_EVERY_S)
        if ended is None:
            yield replace(one, outcome=ON_ITS_WAY)
            continue
        until = time.monotonic() + timeout
        yield ended


def _outcome(client: Client, sent: Result) -> Result | None:
    """How the email that the file became has ended; None while it has not."""
    try:
        mail = client.get(f"/mails/{sent.mail_id}")["mail"]
    except ApiError as error:
        if error.status not in NOT_YET:
            raise
        return None
    reason = Reason(mail["reason"]).text if mail["reason"] in set(Reason) else mail["reason"] or ""
    why = ": ".join(filter(None, (reason, mail["detail"])))
    return replace(sent, outcome=mail["outcome"].replace("_", " "), why=why)


def _sent(client: Client, found: Iterable[Input]) -> Iterator[Result]:
    """Each input once it is sent, or left out for a reason; in no order. At most `AT_ONCE` are read ahead."""
    under_way: set[Future[Result]] = set()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for item in found:
            under_way.add(pool.submit(_send, client, item))
            if len(under_way) >= AT_ONCE:
                yield from _arrived(under_way)
        while under_way:
            yield from _arrived(under_way)


def _arrived(under_way: set[Future[Result]]) -> Iterator[Result]:
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        under_way.remove(future)
        yield future.result()


def _send(client: Client, item: Input) -> Result:
    """Raises ApiError for what is wrong with all of them."""
    if item.error or item.refused is not None:
        why = item.error or (item.refused.text if item.refused else "")
        return Result(item.label, LEFT_OUT, why, tool=item.tool)
    name = Path(item.label).name
    try:
        answer = client.post_bytes("/imports", item.data, name=f"{item.tool} {name}" if item.tool else name)
    except ApiError as error:
        if error.status not in ABOUT_THE_FILE:
            raise
        return Result(item.label, LEFT_OUT, error.message, tool=item.tool)
    mail_id = answer["mail_id"]
    return Result(item.label, SENT, "", mail_id, f"{client.url}/mails/{mail_id}", item.tool, answer["is_known"])
