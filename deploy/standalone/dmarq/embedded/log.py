"""The log file of a child: opened for appending, turned over when large, its last words quoted in an error."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

MAX_LOG_BYTES = 16 * 1024 * 1024
LAST_WORDS_BYTES = 2000
LAST_WORDS_LINES = 3


def open_log(path: Path) -> BinaryIO:
    """The log, readable for its owner alone. One that has grown large becomes `<name>.1`, replacing the one before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def cut_if_large(path: Path) -> None:
    """Keeps a copy of a log that has grown large as `<name>.1` and empties it; whoever appends to it may go on."""
    if not path.exists() or path.stat().st_size <= MAX_LOG_BYTES:
        return
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)


def last_words(path: Path) -> str:
    """The last lines of the log in one, for an error's text."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - LAST_WORDS_BYTES))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return " | ".join(line.strip() for line in lines[-LAST_WORDS_LINES:] if line.strip())
