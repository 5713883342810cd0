"""Running programs: what they print comes back, what they fail with is said."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class Failed(Exception):
    """A program did not do what it should; the text is for people."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    feed: str | None = None,
    timeout: float = 900,
) -> str:
    """What the program prints. Raises Failed with the end of its output."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        input=feed,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{' '.join(command)[:300]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def found(name: str) -> str | None:
    """The program's path: beside this Python, or on PATH."""
    beside_us = Path(sys.executable).with_name(name)
    return str(beside_us) if beside_us.exists() else shutil.which(name)
