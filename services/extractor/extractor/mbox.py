"""Mails in one file, one after another, each behind a line that begins with "From " (mbox, RFC 4155).

Such a line may also stand before a mail that is alone, left there by whatever had it in an mbox file once.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

LINE: Final = 64 * 1024  # bytes of a line that are read at a time

# Sender, then a date with a time and a year. The atomic group keeps the time for a hostile line linear.
_DIVIDER: Final = re.compile(rb"From (?>.*?\d\d:\d\d).*?\d{4}")
_LEADING_LINE: Final = re.compile(rb">?From [^\n]*\n")


def is_divider(line: bytes) -> bool:
    """Whether an mbox file has such a line before each of its mails."""
    return _DIVIDER.match(line) is not None


def header_start(raw: bytes, at: int = 0) -> int:
    """Where the header of the mail at `at` begins: behind the line that an mbox file, perhaps quoted, left there."""
    found = _LEADING_LINE.match(raw, at)
    return found.end() if found else at


def numbered_mails(file: BinaryIO, *, max_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The mails of an mbox file, numbered from 1, each cut after `max_bytes` + 1 bytes; one that is alone has 0.

    Two mails are in memory at a time.
    """
    mails = _mails(file, max_bytes)
    held = next(mails, None)
    following = next(mails, None)
    number = 0 if following is None else 1
    while held is not None:
        yield number, held
        held, following = following, next(mails, None)
        number += 1


def _mails(file: BinaryIO, max_bytes: int) -> Iterator[bytes]:
    mail = bytearray()
    after_blank = False
    while line := file.readline(LINE):
        if after_blank and mail and is_divider(line):
            yield bytes(mail)
            mail.clear()
        mail += line[: max(max_bytes + 1 - len(mail), 0)]
        after_blank = line in (b"\n", b"\r\n")
    yield bytes(mail)
