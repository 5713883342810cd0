"""The scoreboard: `dmarq parse` judged by a manifest of expected facts.

    python -m tests.score FOLDER MANIFEST.tsv        (default: the corpus that DMARQ_CORPUS names)

Reads tab-separated columns path, kind, expected, n_reports, org_name, report_id, policy_domain, begin, end, records,
messages; facts of several reports in one file are joined with " | ". Domains are compared as DNS does: in any case,
with or without a trailing dot. Prints right/total by kind and expected outcome, and every miss with what was expected
and what was given.
"""

import csv
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from dmarq.inputs import inputs
from dmarq.parsing import lines_of
from pipeline.contracts.limits import Limits

FACTS = {
    "org_name": "org_name",
    "report_id": "report_id",
    "policy_domain": "domain",
    "begin": "begin",
    "end": "end",
    "records": "records",
    "messages": "messages",
}
OUTCOMES = {
    "valid": "valid",
    "valid-with-repairs": "repaired",
    "invalid": "refused",
    "not-a-report": "not_a_report",
}
Line = dict[str, Any]


def corpus() -> Path:
    """Where the corpus is: DMARQ_CORPUS, else ../shared/corpus beside the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "corpus"
    return Path(os.environ.get("DMARQ_CORPUS", beside))


def rows_of(manifest: Path) -> list[dict[str, str]]:
    """The manifest's rows; quoting is off."""
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@dataclass(slots=True)
class Board:
    """Files right and in all, by kind and expected outcome; and what is wrong, by path."""

    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    total: Counter[tuple[str, str]] = field(default_factory=Counter)
    misses: list[tuple[str, str]] = field(default_factory=list)


def judged(folder: Path, manifest: Path) -> Board:
    """Every file of the manifest, read and judged."""
    board = Board()
    for row in rows_of(manifest):
        key = (row["kind"], row["expected"])
        wrong = misses(row, lines_for(folder / row["path"]))
        board.total[key] += 1
        board.right[key] += not wrong
        board.misses += [(row["path"], what) for what in wrong]
    return board


def lines_for(path: Path) -> list[Line]:
    """What `dmarq parse` prints for the file, as values."""
    limits = Limits()
    found = [
        line for item in inputs([path], max_bytes=limits.max_mail_bytes)
        for line in lines_of(item, limits=limits, is_full=False)
    ]  # fmt: skip
    return [json.loads(json.dumps(line)) for line in found]


def misses(row: dict[str, str], lines: list[Line]) -> list[str]:
    """What differs from the manifest; empty when all is right."""
    expected = OUTCOMES[row["expected"]]
    read = [line for line in lines if line["outcome"] in ("valid", "repaired")]
    if expected in ("refused", "not_a_report"):
        outcomes = sorted({line["outcome"] for line in lines})
        return [] if outcomes == [expected] else [f"outcome: expected {expected}, got {outcomes}"]
    worst = "repaired" if any(line["outcome"] == "repaired" for line in read) else "valid"
    found = [] if worst == expected else [f"outcome: expected {expected}, got {worst} {_repairs(read)}"]
    found += [f"also {line['outcome']}: {line['reason']} at {line['part']}" for line in lines if line not in read]
    if len(read) != int(row["n_reports"]):
        return [*found, f"reports: expected {row['n_reports']}, got {len(read)} {[x['reason'] for x in lines]}"]
    return found + _fact_misses(row, read)


def _fact_misses(row: dict[str, str], read: list[Line]) -> list[str]:
    found = []
    for column, name in FACTS.items():
        if not row[column]:  # the manifest does not say
            continue
        plain = _PLAIN.get(name, str)
        expected = sorted(map(plain, row[column].split(" | ")))
        given = sorted("" if line[name] is None else plain(str(line[name])) for line in read)
        if expected != given:
            found.append(f"{name}: expected {expected}, got {given}")
    return found


def _epoch(word: str) -> str:
    """A time as epoch seconds: the manifest quotes TLS reports (RFC 3339) and failure reports (RFC 5322) as written."""
    if word.isdigit():
        return word
    try:
        return str(int(datetime.fromisoformat(word).timestamp()))
    except ValueError:
        return str(int(parsedate_to_datetime(word).timestamp()))


def _domain(word: str) -> str:
    return ",".join(name.lower().rstrip(".") for name in word.split(","))


_PLAIN = {"domain": _domain, "begin": _epoch, "end": _epoch}


def _repairs(lines: list[Line]) -> list[str]:
    return sorted({repair for line in lines for repair in line["repairs"]})


def main() -> int:
    """Prints the scoreboard; 0 when everything is right."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else corpus()
    manifest = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "MANIFEST.tsv"
    if not manifest.is_file():
        print(f"no manifest at {manifest}: give a folder and its MANIFEST.tsv, or set DMARQ_CORPUS")
        return 2
    board = judged(folder, manifest)
    for path, what in board.misses:
        print(f"MISS {path}: {what}")
    for kind, expected in sorted(board.total):
        print(f"{board.right[kind, expected]:5}/{board.total[kind, expected]:<5} {kind:<16} {expected}")
    print(f"{board.right.total():5}/{board.total.total():<5} all")
    return 1 if board.misses else 0


if __name__ == "__main__":
    sys.exit(main())
