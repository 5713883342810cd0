"""Mails in one file, one after another, each behind a line that begins with "From " (mbox, RFC 4155).

Such a line may also stand before a mail that is alone, left there by whatever had it in an mbox file once.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

LINE: Final = 64 * 1024  # bytes that are read at a time, and bytes of a line that are looked at

# Sender, then a date with a time and a year. The atomic group keeps the time for a hostile line linear.
_DIVIDER: Final = re.compile(rb"From (?>.*?\d\d:\d\d).*?\d{4}")
_LATER_DIVIDER: Final = re.compile(rb"\n" + _DIVIDER.pattern)
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
    """Cut at each divider behind a blank line. Searched block by block, since lines may be hostile in their number."""
    mail = bytearray()
    after_blank = False
    while block := file.read(LINE) + file.readline(LINE):
        start = 0
        for cut in _cuts(block, after_blank=after_blank):
            mail += block[start : min(cut, start + max_bytes + 1 - len(mail))]
            yield bytes(mail)
            mail.clear()
            start = cut
        mail += block[start : start + max_bytes + 1 - len(mail)]
        after_blank = _is_blank_before(block, len(block))
    yield bytes(mail)


def _cuts(block: bytes, *, after_blank: bool) -> Iterator[int]:
    if after_blank and is_divider(block):
        yield 0
    for found in _LATER_DIVIDER.finditer(block):
        if _is_blank_before(block, found.start() + 1):
            yield found.start() + 1


def _is_blank_before(block: bytes, end: int) -> bool:
    return block.endswith((b"\n\n", b"\n\r\n"), 0, end) or (end <= 2 and block[:end] in (b"\n", b"\r\n"))
