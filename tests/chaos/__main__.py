"""Faults under load, and what they cost: `python -m tests.chaos [--mails 2000] [--fault NAME ...]`.

Prints a table: how often each fault was injected, what was lost and doubled, and how long the recovery took. Ends with
status 1 when anything was lost, doubled, or moved before it was committed, or when a fault could not be injected.
`python -m tests.chaos soak --minutes 30` injects them at random instead, one upon the other.
"""

import argparse
import json
import signal
import sys
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.scratch import scratch
from tests.chaos.soak import soak, told
from tests.chaos.table import as_line, as_page, as_table, complaints
from tests.chaos.trial import Fault, Row, tried


def main() -> int:
    """Runs the faults that were asked for, or the soak."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGINT):  # both leave nothing behind
        signal.signal(number, signal.default_int_handler)
    with scratch():
        return _soaked(options) if options.what == "soak" else _struck(options)


def _soaked(options: argparse.Namespace) -> int:
    print(f"{options.minutes:g} minutes with the seed {options.seed}", flush=True)
    soaked = soak(minutes=options.minutes, seed=options.seed)
    print(told(soaked))
    if options.markdown:
        options.markdown.write_text(f"```\n{told(soaked)}\n```\n")
    return 0 if soaked.clean else 1


def _struck(options: argparse.Namespace) -> int:
    rows: list[Row] = []
    for fault in _chosen(options.fault):
        rows.append(tried(fault, mails=options.mails, seed=options.seed, times=options.times))
        _say(rows[-1], quiet=options.json)
        if options.markdown:  # after each, so that a run that is broken off has not been for nothing
            options.markdown.write_text(as_page(rows, mails=options.mails, seed=options.seed))
    print(json.dumps([asdict(row) for row in rows], indent=2) if options.json else f"\n{as_table(rows)}")
    return 0 if all(row.clean for row in rows) else 1


def _say(row: Row, *, quiet: bool) -> None:
    out = sys.stderr if quiet else sys.stdout
    print(as_line(row), *complaints(row), sep="\n    ", file=out, flush=True)


def _chosen(names: list[str]) -> list[Fault]:
    chosen = [fault for name, fault in FAULTS.items() if not names or any(fnmatch(name, pattern) for pattern in names)]
    if not chosen:
        raise SystemExit("no such fault; there are:\n  " + "\n  ".join(FAULTS))
    return chosen


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("faults", "soak"), default="faults", help="default: faults")
    parser.add_argument("--minutes", type=float, default=30, help="how long the soak lasts (default 30)")
    parser.add_argument("--mails", type=int, default=2000, help="mails a strike of a fault (default 2000)")
    parser.add_argument("--fault", action="append", default=[], help="only this one; * stands for anything; repeatable")
    parser.add_argument("--times", type=int, help="how often each fault is injected (default: its own number)")
    parser.add_argument("--seed", type=int, default=1, help="of the mails and the moments (default 1)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the outcome there, too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
