"""The lines of `dmarq parse` as a person reads them: what each file holds, and the sums at the end. Pure."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from dmarq.output import plain
from pipeline.contracts.reasons import Reason
from pipeline.counting import plural

KINDS = {"aggregate": "DMARC report", "tls": "TLS report", "failure": "failure report"}
COUNTED = {"aggregate": "message", "tls": "session", "failure": "incident"}
WITHOUT_REPORT = ("refused", "not_a_report")
Line = dict[str, Any]


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
