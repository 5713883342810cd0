"""`make attack`: every attack of this folder, one group after the other, as a table. Bounded, and on loopback alone.

ARGS names the groups to try; without any all of them are. Exit status 1 where something did not hold.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from tests.attack import Row, content, mailservers, requests, rights

GROUPS: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "content": content.run,
    "mailservers": mailservers.run,
    "requests": requests.run,
    "rights": rights.run,
}
COLUMNS = ("attack", "bound", "measured", "held")


def main() -> int:
    """Tries the groups and prints the table."""
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of: {', '.join(GROUPS)}")
    wanted = parser.parse_args().groups or list(GROUPS)
    if unknown := [name for name in wanted if name not in GROUPS]:
        parser.error(f"no such group: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # only the table
    rows: list[Row] = []
    for name in wanted:
        started = time.monotonic()
        sys.stderr.write(f"{name} ...\n")
        found = asyncio.run(_run(GROUPS[name]))
        rows += found
        sys.stderr.write(f"{name}: {len(found)} attacks in {time.monotonic() - started:.0f} s\n")
    sys.stdout.write(as_table(rows))
    return 0 if rows and all(row.held for row in rows) else 1


async def _run(group: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
    return await group()


def as_table(rows: Sequence[Row]) -> str:
    """A Markdown table with a line below it that counts what did not hold."""
    lines = [COLUMNS, *((row.attack, row.bound, row.measured, "yes" if row.held else "NO") for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    told = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    lost = sum(not row.held for row in rows)
    return "\n".join([told[0], rule, *told[1:], "", f"{len(rows)} attacks, {lost} not held"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
