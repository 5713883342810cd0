"""A compressed document, piece by piece: bounded by a running count of what really comes out."""

import zlib
from collections.abc import Iterator

from pipeline.contracts.limits import Limits
from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected

CHUNK_BYTES = 128 * 1024
GZIP_WINDOW_BITS = 31


def inflate(document: bytes, *, limits: Limits) -> Iterator[bytes]:
    """The document's bytes in pieces of at most `CHUNK_BYTES`; `document` is one gzip member.

    Raises Rejected when the gzip is damaged or cut off, or when more than `limits.max_uncompressed_bytes` come out.
    """
    inflater = zlib.decompressobj(GZIP_WINDOW_BITS)
    rest, total = document, 0
    while not inflater.eof:
        try:
            chunk = inflater.decompress(rest, CHUNK_BYTES)
        except zlib.error as error:
            raise Rejected(Reason.CORRUPT_CONTAINER, str(error)) from error
        rest = inflater.unconsumed_tail
        if not chunk and not rest and not inflater.eof:
            raise Rejected(Reason.TRUNCATED_CONTAINER)
        total += len(chunk)
        if total > limits.max_uncompressed_bytes:
            raise Rejected(Reason.UNCOMPRESSED_TOO_LARGE, f"more than {limits.max_uncompressed_bytes} bytes")
        if chunk:
            yield chunk


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
