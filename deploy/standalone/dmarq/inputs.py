"""The files behind the paths of `dmarq parse` and `dmarq import`: files, directories, mbox files, Maildirs, a pipe.

One file, or two mails of an mbox, are in memory at a time, each up to the limit. Nothing is judged by its name but
that an `.eml` file is one mail, whatever its text looks like.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final

from extractor.mbox import is_divider, numbered_mails
from pipeline.contracts.reasons import Reason

STDIN: Final = Path("-")
_MAILDIR: Final = ("cur", "new")  # "tmp" holds mails that are still being delivered


@dataclass(frozen=True, slots=True)
class Input:
    """One file, or one mail of an mbox file.

    `label` is the path, with "#" and a number for a mail among others of an mbox. Without `data`, either `refused`
    says which limit it crossed, or `error` why the path could not be read. `tool` is another one that kept the report.
    """

    label: str
    data: bytes = b""
    refused: Reason | None = None
    error: str = ""
    tool: str = ""


Opener = Callable[[BinaryIO, Path], Iterator[Input] | None]
"""What a file holds that is neither an mbox nor one input: None where it is the one or the other."""


def inputs(paths: Iterable[Path], *, max_bytes: int, opened: Opener | None = None) -> Iterator[Input]:
    """What is to be read at `paths`, directories in the order of their names; files over `max_bytes` are refused.

    The path "-" is standard input.
    """
    how = _How(max_bytes, opened or _nothing_else)
    for path in paths:
        if path == STDIN:
            yield from _piped(how)
            continue
        errors: list[OSError] = []
        for file in _files(path, errors):
            yield from _readable(file, how)
        yield from (Input(str(error.filename), error=error.strerror or str(error)) for error in errors)


@dataclass(frozen=True, slots=True)
class _How:
    """How files are read."""

    max_bytes: int
    opened: Opener


def _nothing_else(_file: BinaryIO, _path: Path) -> None:
    return None


def _files(path: Path, errors: list[OSError]) -> Iterator[Path]:
    """The files at `path`; folders that cannot be listed go to `errors`."""
    if not path.is_dir():
        yield path
        return
    for folder, subfolders, names in os.walk(path, onerror=errors.append):
        here = Path(folder)
        is_maildir = all((here / name).is_dir() for name in _MAILDIR)
        subfolders[:] = sorted(_worth_entering(subfolders, is_maildir=is_maildir))
        if not is_maildir:  # beside its mails a Maildir holds nothing but the server's notes
            yield from (here / name for name in sorted(names) if not name.startswith("."))


def _worth_entering(subfolders: list[str], *, is_maildir: bool) -> list[str]:
    if is_maildir:
        return [name for name in subfolders if name in _MAILDIR or name.startswith(".")]
    return [name for name in subfolders if not name.startswith(".")]


def _piped(how: _How) -> Iterator[Input]:
    with tempfile.TemporaryFile() as file:  # what is an mbox shows at its beginning, which is then read again
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.seek(0)
        yield from _read(file, STDIN, how)


def _readable(path: Path, how: _How) -> Iterator[Input]:
    try:
        if not S_ISREG(path.stat().st_mode):
            yield Input(str(path), error="not a regular file")
            return
        with path.open("rb") as file:
            yield from _read(file, path, how)
    except OSError as error:
        yield Input(str(path), error=error.strerror or str(error))


def _read(file: BinaryIO, path: Path, how: _How) -> Iterator[Input]:
    max_bytes = how.max_bytes
    found = how.opened(file, path)
    if found is not None:
        yield from found
        return
    is_mbox = path.suffix.lower() != ".eml" and is_divider(file.readline(1024))
    file.seek(0)
    if is_mbox:
        for number, mail in numbered_mails(file, max_bytes=max_bytes):
            label = f"{path}#{number}" if number else str(path)
            yield _within(label, mail, max_bytes, Reason.MAIL_TOO_LARGE)
        return
    data = file.read(max_bytes + 1)
    yield _within(str(path), data, max_bytes, Reason.ATTACHMENT_TOO_LARGE)


def _within(label: str, data: bytes, max_bytes: int, reason: Reason) -> Input:
    return Input(label, refused=reason) if len(data) > max_bytes else Input(label, data)
