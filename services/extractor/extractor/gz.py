"""A gzip file (RFC 1952): one member or several, perhaps with bytes after the last one."""

import re
from collections.abc import Iterator
from typing import Final

from extractor.budget import Allowance
from extractor.inflate import GZIP_FRAME, Inflater, stored
from pipeline.contracts.repairs import MailRepair

MAGIC: Final = b"\x1f\x8b"

_PADDING: Final = re.compile(rb"[\s\x00]*+")


class Gzip:
    """The plain bytes of a gzip file. Mail gateways append line ends to it; those are dropped and noted as a repair.

    A member behind line ends, white space or NULs is a member like those that follow at once.
    """

    def __init__(self, data: bytes, allowance: Allowance) -> None:
        start = data.find(MAGIC, 0, 16)
        self._data = data[start:] if start > 0 else data
        self.repairs: list[str] = [MailRepair.GZIP_LEADING_BYTES] if start > 0 else []
        self._allowance = allowance
        self._first_end = 0
        self._members = 0

    @property
    def is_deflated(self) -> bool:
        """Always."""
        return True

    def chunks(self) -> Iterator[bytes]:
        """The bytes of all members. Raises Refused: damaged, truncated, or over a limit."""
        at = 0
        while self._members == 0 or self._data.startswith(MAGIC, at):
            self._allowance.budget.spend_member()
            inflater = Inflater(
                self._data, start=at, end=len(self._data), window_bits=GZIP_FRAME, allowance=self._allowance
            )
            yield from inflater.chunks()
            self._members += 1
            self._first_end = self._first_end or inflater.end
            at = self._after_padding(inflater.end)
        if at < len(self._data):
            self._note_trailing_bytes()

    def as_gzip(self) -> bytes | None:
        """The file as it came, without what trails it; None when it has several members."""
        if self._members != 1:
            return None
        return self._data[: self._first_end]

    def _after_padding(self, member_end: int) -> int:
        """Where the next member begins; `member_end` when there is none."""
        padding = _PADDING.match(self._data, member_end)
        at = padding.end() if padding else member_end
        if at == member_end or not self._data.startswith(MAGIC, at):
            return member_end
        self._note_trailing_bytes()
        return at

    def _note_trailing_bytes(self) -> None:
        if MailRepair.GZIP_TRAILING_BYTES not in self.repairs:
            self.repairs.append(MailRepair.GZIP_TRAILING_BYTES)


class Deflated:
    """The plain bytes of a deflate stream in another frame than gzip's: zlib's (RFC 1950), or none."""

    is_deflated = False

    def __init__(self, data: bytes, allowance: Allowance, *, window_bits: int) -> None:
        self._data = data
        self._allowance = allowance
        self._window_bits = window_bits
        self.repairs: list[str] = [MailRepair.DEFLATE_FRAME]

    def chunks(self) -> Iterator[bytes]:
        """The bytes. Raises Refused: damaged, truncated, or over a limit."""
        yield from Inflater(
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
        """The bytes. Raises Refused over a limit."""
        yield from stored(self._data, start=0, end=len(self._data), allowance=self._allowance)

    def as_gzip(self) -> bytes | None:
        """None: it is not compressed at all."""
        return None
