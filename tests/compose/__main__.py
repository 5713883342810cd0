"""Builds the images, starts the stack with the demo, tries it hard, takes it down: `python -m tests.compose`.

Needs a container engine that answers, or Linux and root to start one; says what is missing otherwise.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.compose.engine import engine
from tests.compose.images import Images
from tests.compose.programs import Failed
from tests.compose.scenario import (
    a_crash_and_an_upgrade_lose_nothing,
    a_deleted_mailbox_is_forgotten,
    demo_totals,
    least_privilege_holds,
    reports_arrive,
    take_back_permissions,
)
from tests.compose.stack import Stack

CACHE = Path.home() / ".cache" / "dmarq-compose-test"
FIRST, SECOND = "test-1", "test-2"


def main() -> int:
    """Gives 0 when all went well."""
    parser = argparse.ArgumentParser(prog="make compose-test", description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where images are kept from one run to the next")
    parser.add_argument("--no-build", action="store_true", help="take the images of the run before")
    parser.add_argument("--keep", action="store_true", help="leave the stack running if something fails")
    arguments = parser.parse_args()
    try:
        with engine(arguments.cache) as host:
            _test(host, arguments)
    except Failed as error:
        print(f"compose-test: {error}", file=sys.stderr)
        return 1
    return 0


def _test(host: str, arguments: argparse.Namespace) -> None:
    say = _Clock()
    images = Images(host, arguments.cache)
    images.find_foreign()
    say(f"base image and servers: {', '.join(images.variables.values())}")
    if not arguments.no_build:
        images.build_ours(FIRST, SECOND)
        say("images are built")
    with tempfile.TemporaryDirectory(prefix="dmarq-tree-") as folder:
        _try(Stack(host, images.variables, version=FIRST, tree=Path(folder)), say, keep=arguments.keep)
    say("taken down, volumes too")


def _try(stack: Stack, say: "_Clock", *, keep: bool) -> None:
    stack.down()
    try:
        take_back_permissions(stack)
        stack.up()
        say(f"everything is healthy; sign-in link at {stack.sign_in_link()[0]}")
        say(reports_arrive(stack, demo_totals()))
        say(least_privilege_holds(stack))
        say(a_crash_and_an_upgrade_lose_nothing(stack, SECOND))
        say(a_deleted_mailbox_is_forgotten(stack))
    except Failed:
        print(stack.compose("ps", "-a"), stack.compose("logs", "--tail", "40"), sep="\n", file=sys.stderr)
        if keep:
            input("the stack is left running; press Enter to take it down")
        raise
    finally:
        stack.down()


class _Clock:
    """Prints each step with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"{time.monotonic() - self._start:6.0f} s  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
