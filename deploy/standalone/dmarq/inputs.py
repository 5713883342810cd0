"""The files behind the paths of `dmarq parse` and `dmarq import`: files, directories, mbox files and Maildirs.

One file, or two mails of an mbox, are in memory at a time, each up to the limit. Nothing is judged by its name but
that an `.eml` file is one mail, whatever its text looks like.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final

from pipeline.reasons import Reason

LINE: Final = 64 * 1024  # bytes of a line that are read at a time

_MAILDIR: Final = ("cur", "new")  # "tmp" holds mails that are still being delivered
# The line before each mail of an mbox file (RFC 4155): sender, then a date with a time and a year.
_MBOX_LINE: Final = re.compile(rb"From \S*.*\d\d:\d\d.*\d{4}")


@dataclass(frozen=True, slots=True)
class Input:
    """One file, or one mail of an mbox file.

    `label` is the path, with "#" and a number for a mail among others of an mbox. Without `data`, either `refused`
    says which limit it crossed, or `error` why the path could not be read.
    """

    label: str
    data: bytes = b""
    refused: Reason | None = None
    error: str = ""


def inputs(paths: Iterable[Path], *, max_bytes: int) -> Iterator[Input]:
    """What is to be read at `paths`, directories in the order of their names; files over `max_bytes` are refused."""
    for path in paths:
        errors: list[OSError] = []
        for file in _files(path, errors):
            yield from _readable(file, max_bytes)
        yield from (Input(str(error.filename), error=error.strerror or str(error)) for error in errors)


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


def _readable(path: Path, max_bytes: int) -> Iterator[Input]:
    try:
        if not S_ISREG(path.stat().st_mode):
            yield Input(str(path), error="not a regular file")
            return
        with path.open("rb") as file:
            yield from _read(file, path, max_bytes)
    except OSError as error:
        yield Input(str(path), error=error.strerror or str(error))


def _read(file: BinaryIO, path: Path, max_bytes: int) -> Iterator[Input]:
    is_mbox = path.suffix.lower() != ".eml" and _MBOX_LINE.match(file.readline(1024)) is not None
    file.seek(0)
    if is_mbox:
        yield from _numbered(_mails(file, max_bytes), str(path), max_bytes)
        return
    data = file.read(max_bytes + 1)
    yield _within(str(path), data, max_bytes, Reason.ATTACHMENT_TOO_LARGE)


def _numbered(mails: Iterator[bytes], label: str, max_bytes: int) -> Iterator[Input]:
    """The mails of an mbox file; the only one of its file goes by the file's name alone."""
    held: bytes | None = next(mails, None)
    number = 0
    while held is not None:
        number += 1
        following = next(mails, None)
        is_alone = number == 1 and following is None
        yield _within(label if is_alone else f"{label}#{number}", held, max_bytes, Reason.MAIL_TOO_LARGE)
        held = following


def _mails(file: BinaryIO, max_bytes: int) -> Iterator[bytes]:
    """Each mail of an mbox file, cut after `max_bytes` + 1 bytes."""
    mail = bytearray()
    after_blank = False
    while line := file.readline(LINE):
        if mail and after_blank and _MBOX_LINE.match(line):
            yield bytes(mail)
            mail.clear()
        mail += line[: max(max_bytes + 1 - len(mail), 0)]
        after_blank = line in (b"\n", b"\r\n")
    yield bytes(mail)


def _within(label: str, data: bytes, max_bytes: int, reason: Reason) -> Input:
    return Input(label, refused=reason) if len(data) > max_bytes else Input(label, data)
