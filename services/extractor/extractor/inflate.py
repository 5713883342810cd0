"""Compressed bytes to chunks of plain bytes, in flat memory, whatever the data claims about its size."""

import bz2
import lzma
from collections.abc import Iterator
from typing import Final, Protocol

from extractor.budget import Allowance
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected
from pipeline.mailformat.inflate import PIECE_BYTES, Inflater

MAX_LZMA_DICTIONARY: Final = 8 * 1024 * 1024  # bytes; the sender chooses it, and we would have to allocate it


class Source(Protocol):
    """The plain bytes of something compressed."""

    repairs: list[str]

    @property
    def is_deflated(self) -> bool:
        """Whether `as_gzip` may give something."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in order. Raises Rejected when they are damaged or a limit is crossed."""
        ...

    def as_gzip(self) -> bytes | None:
        """The same bytes as one gzip member, when `chunks` has ended and no new compression is needed for it."""
        ...


class DeflateStream(Inflater):
    """One deflate stream inside `data`, paid for from an allowance. When `chunks` has ended, `end` is behind it."""

    def __init__(self, data: bytes, *, start: int, end: int, window_bits: int, allowance: Allowance) -> None:
        super().__init__(data, start=start, end=end, window_bits=window_bits)
        self._spend = allowance.spend

    def chunks(self) -> Iterator[bytes]:
        """The plain bytes. Raises Rejected: damaged, cut off, or over a limit."""
        for piece in self.pieces():
            self._spend(len(piece))
            yield piece


def stored(data: bytes, *, start: int, end: int, allowance: Allowance) -> Iterator[bytes]:
    """The bytes of `data[start:end]` as chunks; they cost as much as if they had been compressed."""
    for at in range(start, end, PIECE_BYTES):
        chunk = data[at : min(at + PIECE_BYTES, end)]
        allowance.spend(len(chunk))
        yield chunk


def bunzip(data: bytes, *, start: int, end: int, allowance: Allowance) -> Iterator[bytes]:
    """The plain bytes of a bzip2 stream."""
    yield from _expand(bz2.BZ2Decompressor(), data[start:end], allowance)


def unlzma(data: bytes, *, start: int, end: int, allowance: Allowance) -> Iterator[bytes]:
    """The plain bytes of an LZMA stream as zip frames it (APPNOTE 5.8.8: version, length of properties, properties)."""
    if end - start < 9 or data[start + 2 : start + 4] != b"\x05\x00" or data[start + 4] >= 9 * 5 * 5:
        raise Rejected(Reason.CORRUPT_CONTAINER, "bad LZMA properties")
    literal, position = data[start + 4] % 9, data[start + 4] // 9
    dictionary = int.from_bytes(data[start + 5 : start + 9], "little")
    if dictionary > MAX_LZMA_DICTIONARY:
        raise Rejected(Reason.UNSUPPORTED_COMPRESSION, "the LZMA dictionary is too large")
    chosen = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(dictionary, 4096),
        "lc": literal,
        "lp": position % 5,
        "pb": position // 5,
    }
    try:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
    except lzma.LZMAError as error:
        raise Rejected(Reason.CORRUPT_CONTAINER, "bad LZMA properties") from error
    yield from _expand(decompressor, data[start + 9 : end], allowance)


def _expand(
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, waiting: bytes, allowance: Allowance
) -> Iterator[bytes]:
    while not decompressor.eof:
        starved = not waiting and decompressor.needs_input
        try:
            out = decompressor.decompress(waiting, PIECE_BYTES)
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise Rejected(Reason.CORRUPT_CONTAINER, "the compressed data is damaged") from error
        waiting = b""
        if out:
            allowance.spend(len(out))
            yield out
        elif starved:
            return  # an LZMA stream in a zip may lack its end mark; the caller compares CRC and length
