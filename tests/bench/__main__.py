"""Mails per second through the whole system: `python -m tests.bench --mails 5000`.

Dovecot is filled with report mails (the corpus' real ones where it is there, generated ones of the same sizes if not);
then fetcher, extractor and parser take them through NATS into PostgreSQL, and every mail is moved to a folder. The
clock runs from the moment the mailbox is configured until the last mail has been moved.

With --rate mail is delivered at that rate while all runs, and the latencies from delivery to rows are given. With
--peer parsedmarc the same mails also go through that program, in turns.
"""

import argparse
import asyncio
import json
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tests.bench import paced, peer, sustained
from tests.bench.setting import setting
from tests.support.bulk import corpus

TURNS = 2


def main() -> None:
    """Runs the benchmark and prints the table, or JSON."""
    options = _options()
    if not options.json:
        real = (corpus() / "bulk.zip").is_file()
        print("real reports of the corpus" if real else "generated reports (no corpus here)")
    if options.peer:
        _peer(options)
    elif options.rate:
        _paced(options)
    else:
        _sustained(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--mails", type=int, default=5000, help="how many mails (default 5000)")
    parser.add_argument("--parsers", type=int, default=1, help="parser processes (default 1)")
    parser.add_argument("--extractors", type=int, default=1, help="extractor processes (default 1)")
    parser.add_argument("--rate", type=float, help="deliver so many mails a second while running: latencies")
    parser.add_argument("--peer", choices=("parsedmarc",), help="compare with this program, in turns")
    parser.add_argument("--peer-program", default="parsedmarc", help="where it is; it may live in a venv of its own")
    parser.add_argument("--peer-mails", type=int, default=500, help="how many mails it gets a turn (default 500)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _sustained(options: argparse.Namespace) -> None:
    with setting(options.mails, parsers=options.parsers, extractors=options.extractors) as at:
        figures = asyncio.run(sustained.measured(at))
    print(json.dumps(asdict(figures), indent=2) if options.json else sustained.as_table(figures))


def _paced(options: argparse.Namespace) -> None:
    with setting(1, parsers=options.parsers, extractors=options.extractors) as at:
        found = asyncio.run(paced.paced(at, options.mails, rate=options.rate))
    print(json.dumps(asdict(found), indent=2) if options.json else paced.as_table(found))


def _peer(options: argparse.Namespace) -> None:
    program = shutil.which(options.peer_program)
    if program is None:
        raise SystemExit(f"no program {options.peer_program}: install it, and say where with --peer-program")
    ours = partial(setting, options.mails, parsers=options.parsers, extractors=options.extractors)
    found = peer.turns(Path(program), ours, mails=options.peer_mails, count=TURNS)
    print(
        json.dumps([asdict(turn) | {"ratio": turn.ratio} for turn in found]) if options.json else peer.as_table(found)
    )


if __name__ == "__main__":
    main()
