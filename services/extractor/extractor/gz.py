"""A gzip file (RFC 1952): one member or several, perhaps with bytes after the last one."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Final

from extractor.budget import Allowance
from extractor.inflate import DeflateStream, stored
from extractor.sniff import is_report_itself
from pipeline.contracts.repairs import MailRepair
from pipeline.errors import Rejected
from pipeline.mailformat.inflate import GZIP_FRAME, Inflater

MAGIC: Final = b"\x1f\x8b"

_MEMBER: Final = MAGIC + b"\x08"  # deflated, as every gzip is
_LOOKED_AT: Final = 4096  # bytes of a member, to see whether a report begins there
_PADDING: Final = re.compile(rb"[\s\x00]*+")


class Gzip:
    """The plain bytes of a gzip file. Mail gateways append line ends to it; those are dropped and noted as a repair.

    A member behind line ends, white space or NULs is a member like those that follow at once.
    """

    def __init__(self, data: bytes, allowance: Allowance) -> None:
        start = data.find(MAGIC, 0, 16)
        self.data = data[start:] if start > 0 else data
        self.repairs: list[str] = [MailRepair.GZIP_LEADING_BYTES] if start > 0 else []
        self._allowance = allowance
        self._first_end = 0
        self.starts: list[int] = []  # of the members that were come to

    @property
    def is_deflated(self) -> bool:
        """Always."""
        return True

    def chunks(self) -> Iterator[bytes]:
        """The bytes of all members. Raises Rejected: damaged, truncated, or over a limit."""
        at, self.starts = 0, []
        while not self.starts or self.data.startswith(MAGIC, at):
            self._allowance.budget.spend_member()
            self.starts.append(at)
            inflater = DeflateStream(
                self.data, start=at, end=len(self.data), window_bits=GZIP_FRAME, allowance=self._allowance
            )
            yield from inflater.chunks()
            self._first_end = self._first_end or inflater.end
            at = self._after_padding(inflater.end)
        if at < len(self.data):
            self._note_trailing_bytes()

    def as_gzip(self) -> bytes | None:
        """The file as it came, without what trails it; None when it has several members."""
        if len(self.starts) != 1:
            return None
        return self.data[: self._first_end]

    def _after_padding(self, member_end: int) -> int:
        """Where the next member begins; `member_end` when there is none."""
        padding = _PADDING.match(self.data, member_end)
        at = padding.end() if padding else member_end
        if at == member_end or not self.data.startswith(MAGIC, at):
            return member_end
        self._note_trailing_bytes()
        return at

    def _note_trailing_bytes(self) -> None:
        if MailRepair.GZIP_TRAILING_BYTES not in self.repairs:
            self.repairs.append(MailRepair.GZIP_TRAILING_BYTES)


def reports_apart(data: bytes, allowance: Allowance) -> list[bytes]:
    """The file in as many gzip files as its members begin reports; mostly that is the file as it is.

    To find them the file is read once more, and counted twice.
    """
    begins = _report_begins(data, most=allowance.budget.limits.max_members)
    if not begins:
        return [data]
    cuts = [0, *(at for at in _member_starts(data, allowance) if at in begins), len(data)]
    return [data[start:end] for start, end in pairwise(cuts)]


def _report_begins(data: bytes, *, most: int) -> frozenset[int]:
    """Where, behind the first member, something that looks like a member unpacks to the beginning of a report."""
    at = max(data.find(MAGIC, 0, 16), 0)
    begins: set[int] = set()
    for _ in range(most):
        at = data.find(_MEMBER, at + 1)
        if at < 0:
            break
        with suppress(Rejected):
            if is_report_itself(next(Inflater(data, start=at).pieces(), b"")[:_LOOKED_AT]):
                begins.add(at)
    return frozenset(begins)


def _member_starts(data: bytes, allowance: Allowance) -> Iterator[int]:
    """Where members begin, but for the first; as far as they can be unpacked."""
    file = Gzip(data, allowance)
    offset = len(data) - len(file.data)
    with suppress(Rejected):
        for _ in file.chunks():
            pass
    yield from (offset + start for start in file.starts[1:])


class Deflated:
    """The plain bytes of a deflate stream in another frame than gzip's: zlib's (RFC 1950), or none."""

    is_deflated = False

    def __init__(self, data: bytes, allowance: Allowance, *, window_bits: int) -> None:
        self._data = data
        self._allowance = allowance
        self._window_bits = window_bits
        self.repairs: list[str] = [MailRepair.DEFLATE_FRAME]

    def chunks(self) -> Iterator[bytes]:
        """The bytes. Raises Rejected: damaged, truncated, or over a limit."""
        yield from DeflateStream(
            self._data, start=0, end=len(self._data), window_bits=self._window_bits, allowance=self._allowance
        ).chunks()

    def as_gzip(self) -> bytes | None:
        """None: it must be compressed again."""
        return None


class Plain:
    """Bytes that were decoded and not compressed, as a source like the others."""

    is_deflated = False

    def __init__(self, data: bytes, allowance: Allowance, *, repairs: tuple[str, ...] = ()) -> None:
        self._data = data
        self._allowance = allowance
        self.repairs: list[str] = list(repairs)

    def chunks(self) -> Iterator[bytes]:
        """The bytes. Raises Rejected over a limit."""
        yield from stored(self._data, start=0, end=len(self._data), allowance=self._allowance)

    def as_gzip(self) -> bytes | None:
        """None: it is not compressed at all."""
        return None
