"""Compressed bytes to chunks of plain bytes, in flat memory, whatever the data claims about its size."""

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from extractor.budget import Allowance, Refused
from pipeline.contracts.reasons import Reason

CHUNK: Final = 64 * 1024  # bytes fed to a decompressor, and bytes taken from it, at a time
MAX_LZMA_DICTIONARY: Final = 8 * 1024 * 1024  # bytes; the sender chooses it, and we would have to allocate it

RAW_DEFLATE: Final = -15  # zlib's window bits for a deflate stream without a frame (zip)
GZIP_FRAME: Final = 31  # the same for a gzip member; zlib checks its CRC and its length


class Source(Protocol):
    """The plain bytes of something compressed."""

    repairs: list[str]

    @property
    def is_deflated(self) -> bool:
        """Whether `as_gzip` may give something."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in order. Raises Refused when they are damaged or a limit is crossed."""
        ...

    def as_gzip(self) -> bytes | None:
        """The same bytes as one gzip member, when `chunks` has ended and no new compression is needed for it."""
        ...


class Inflater:
    """One deflate stream inside `data`. When `chunks` has ended, `end` is the position after the stream."""

    def __init__(self, data: bytes, *, start: int, end: int, window_bits: int, allowance: Allowance) -> None:
        self._data = data
        self._start = start
        self.end = end
        self._window_bits = window_bits
        self._allowance = allowance

    def chunks(self) -> Iterator[bytes]:
        """The plain bytes. Raises Refused: damaged, truncated, or over a limit."""
        inflater = zlib.decompressobj(self._window_bits)
        at, waiting = self._start, b""
        while not inflater.eof:
            if not waiting:
                waiting = self._data[at : min(at + CHUNK, self.end)]
                at += len(waiting)
            starved = not waiting
            out, waiting = _inflate(inflater, waiting)
            if out:
                self._allowance.spend(len(out))
                yield out
            elif starved and not inflater.eof:
                raise Refused(Reason.TRUNCATED_CONTAINER)
        self.end = at - len(inflater.unused_data)


def _inflate(inflater: "zlib._Decompress", waiting: bytes) -> tuple[bytes, bytes]:
    try:
        out = inflater.decompress(waiting, CHUNK)
    except zlib.error as error:
        raise Refused(Reason.CORRUPT_CONTAINER, str(error)) from error
    return out, inflater.unconsumed_tail


def stored(data: bytes, *, start: int, end: int, allowance: Allowance) -> Iterator[bytes]:
    """The bytes of `data[start:end]` as chunks; they cost as much as if they had been compressed."""
    for at in range(start, end, CHUNK):
        chunk = data[at : min(at + CHUNK, end)]
        allowance.spend(len(chunk))
        yield chunk


def bunzip(data: bytes, *, start: int, end: int, allowance: Allowance) -> Iterator[bytes]:
    """The plain bytes of a bzip2 stream."""
    yield from _expand(bz2.BZ2Decompressor(), data[start:end], allowance)


def unlzma(data: bytes, *, start: int, end: int, allowance: Allowance) -> Iterator[bytes]:
    """The plain bytes of an LZMA stream as zip frames it (APPNOTE 5.8.8: version, length of properties, properties)."""
    if end - start < 9 or data[start + 2 : start + 4] != b"\x05\x00" or data[start + 4] >= 9 * 5 * 5:
        raise Refused(Reason.CORRUPT_CONTAINER, "bad LZMA properties")
    literal, position = data[start + 4] % 9, data[start + 4] // 9
    dictionary = int.from_bytes(data[start + 5 : start + 9], "little")
    if dictionary > MAX_LZMA_DICTIONARY:
        raise Refused(Reason.UNSUPPORTED_COMPRESSION, "the LZMA dictionary is too large")
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
        raise Refused(Reason.CORRUPT_CONTAINER, "bad LZMA properties") from error
    yield from _expand(decompressor, data[start + 9 : end], allowance)


def _expand(
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, waiting: bytes, allowance: Allowance
) -> Iterator[bytes]:
    while not decompressor.eof:
        starved = not waiting and decompressor.needs_input
        try:
            out = decompressor.decompress(waiting, CHUNK)
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise Refused(Reason.CORRUPT_CONTAINER, str(error)) from error
        waiting = b""
        if out:
            allowance.spend(len(out))
            yield out
        elif starved:
            return  # an LZMA stream in a zip may lack its end mark; the caller compares CRC and length
