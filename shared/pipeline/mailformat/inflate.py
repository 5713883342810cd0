"""Deflated bytes (gzip, zlib, zip members) to pieces of plain bytes, in flat memory, whatever they claim of their size.

Whoever reads counts what really comes out: `inflate` against the limits of one document, the extractor against those
of a whole mail.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected

PIECE_BYTES: Final = 128 * 1024  # at most, of what comes out and of what is fed at a time

RAW_DEFLATE: Final = -15  # zlib's window bits for a deflate stream without a frame (zip)
GZIP_FRAME: Final = 31  # the same for a gzip member (RFC 1952); zlib checks its CRC and its length

_WORDS: Final = (
    ("incorrect data check", "the checksum differs"),
    ("incorrect length check", "the length differs"),
    ("header", "the compressed data does not begin as it should"),
    ("unknown compression method", "the compressed data does not begin as it should"),
)


class Inflater:
    """One deflate stream in `data`, from `start`. When `pieces` has ended, `end` is the position after the stream."""

    def __init__(self, data: bytes, *, start: int = 0, end: int | None = None, window_bits: int = GZIP_FRAME) -> None:
        self._data = data
        self._start = start
        self.end = len(data) if end is None else end
        self._window_bits = window_bits

    def pieces(self) -> Iterator[bytes]:
        """The plain bytes, none of the pieces empty. Raises Rejected: damaged or cut off."""
        inflater = zlib.decompressobj(self._window_bits)
        at, waiting = self._start, b""
        while not inflater.eof:
            if not waiting:
                waiting = self._data[at : min(at + PIECE_BYTES, self.end)]
                at += len(waiting)
            is_starved = not waiting
            try:
                piece = inflater.decompress(waiting, PIECE_BYTES)
            except zlib.error as error:
                raise Rejected(Reason.CORRUPT_CONTAINER, _in_words(error)) from error
            waiting = inflater.unconsumed_tail
            if piece:
                yield piece
            elif is_starved and not inflater.eof:
                raise Rejected(Reason.TRUNCATED_CONTAINER)
        self.end = at - len(inflater.unused_data)


def _in_words(error: zlib.error) -> str:
    """What zlib means, without its numbers and names."""
    text = str(error)
    return next((words for sign, words in _WORDS if sign in text), "the compressed data is damaged")


def inflate(document: bytes, *, limits: Limits) -> Iterator[bytes]:
    """The bytes of a document, which is one gzip member, in pieces of at most `PIECE_BYTES`.

    Raises Rejected when the gzip is damaged or cut off, or when more than `limits.max_uncompressed_bytes` come out.
    """
    total = 0
    for piece in Inflater(document).pieces():
        total += len(piece)
        if total > limits.max_uncompressed_bytes:
            raise Rejected(Reason.UNCOMPRESSED_TOO_LARGE, f"more than {limits.max_uncompressed_bytes} bytes")
        yield piece


def inflate_head(document: bytes, *, limits: Limits, max_bytes: int) -> tuple[bytes, bool]:
    """The first `max_bytes` of a document, and whether that is all of it."""
    pieces: list[bytes] = []
    room = max_bytes
    for piece in inflate(document, limits=limits):
        pieces.append(piece[:room])
        room -= len(piece)
        if room < 0:
            return b"".join(pieces), False
    return b"".join(pieces), True


def inflate_whole(document: bytes, *, limits: Limits, max_bytes: int) -> bytes:
    """The whole document in memory. Raises Rejected where it is larger than `max_bytes`, or as `inflate` does."""
    head, is_whole = inflate_head(document, limits=limits, max_bytes=max_bytes)
    if not is_whole:
        raise Rejected(Reason.UNCOMPRESSED_TOO_LARGE, f"more than {max_bytes} bytes, which must be read whole")
    return head
