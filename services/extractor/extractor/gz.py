"""A gzip file (RFC 1952): one member or several, perhaps with bytes after the last one."""

from collections.abc import Iterator

from extractor.budget import Allowance
from extractor.inflate import GZIP_FRAME, Inflater
from extractor.repairs import Repair

MAGIC = b"\x1f\x8b"


class Gzip:
    """The plain bytes of a gzip file. Mail gateways append line ends to it; those are dropped and noted as a repair."""

    def __init__(self, data: bytes, allowance: Allowance) -> None:
        start = data.find(MAGIC, 0, 16)
        self._data = data[start:] if start > 0 else data
        self.repairs: list[str] = [Repair.GZIP_LEADING_BYTES] if start > 0 else []
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
            at = inflater.end
            self._members += 1
            self._first_end = self._first_end or at
        if at < len(self._data):
            self.repairs.append(Repair.GZIP_TRAILING_BYTES)

    def as_gzip(self) -> bytes | None:
        """The file as it came, without what trails it; None when it has several members."""
        if self._members != 1:
            return None
        return self._data[: self._first_end]
