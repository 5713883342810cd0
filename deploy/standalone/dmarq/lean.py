"""Leaving out what a library imports only because it is installed."""

import sys

# structlog and httpx import them, ten megabytes, for colours on a terminal.
FOR_TERMINALS = ("rich", "pygments")


def leave_out_colours() -> None:
    """From now on this process does without them: to import one raises ImportError, as if it were not installed.

    Called before structlog and httpx are imported, in processes that stay.
    """
    for name in FOR_TERMINALS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # what the import system takes for "not there"
