"""A zip file: its members in the order of its directory, each a source of bytes whose claims are not believed.

Read here and not by the standard library's `zipfile`, because that one keeps every entry of a hostile directory in
memory, stumbles over members without a name, and cannot hand on a member's deflate stream as it is.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from extractor.budget import Allowance
from extractor.inflate import DeflateStream, bunzip, stored, unlzma
from extractor.zipdirectory import Entry
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import MailRepair
from pipeline.errors import Rejected
from pipeline.mailformat.inflate import RAW_DEFLATE

STORED: Final = 0
DEFLATE: Final = 8
BZIP2: Final = 12
LZMA: Final = 14
AES: Final = 99
ENCRYPTED_FLAG: Final = 0x1

_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, no time, unknown system
_DESCRIPTOR: Final = b"PK\x07\x08"


class ZipMember:
    """The plain bytes of one member."""

    def __init__(self, data: bytes, entry: Entry, allowance: Allowance) -> None:
        self._data = data
        self._entry = entry
        self._allowance = allowance
        self._inflater: DeflateStream | None = None
        self._crc = 0
        self._size = 0
        self.repairs: list[str] = list(entry.repairs)

    @property
    def is_deflated(self) -> bool:
        """Whether its method is deflate."""
        return self._entry.method == DEFLATE

    def chunks(self) -> Iterator[bytes]:
        """The bytes. Raises Rejected: encrypted, unsupported method, damaged, truncated, or over a limit."""
        self._crc = self._size = 0
        for chunk in self._decompressed():
            self._crc = zlib.crc32(chunk, self._crc)
            self._size += len(chunk)
            yield chunk
        self._verify()

    def as_gzip(self) -> bytes | None:
        """The member's deflate stream in a gzip frame; None when it is compressed in another way."""
        if self._inflater is None:
            return None
        deflated = self._data[self._entry.start : self._inflater.end]
        return b"".join((_GZIP_HEADER, deflated, struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF)))

    def _decompressed(self) -> Iterator[bytes]:
        entry, data, allowance = self._entry, self._data, self._allowance
        if entry.flags & ENCRYPTED_FLAG or entry.method == AES:
            raise Rejected(Reason.ENCRYPTED)
        if entry.damage:
            raise Rejected(entry.damage)
        if entry.method == DEFLATE:
            inflater = DeflateStream(
                data, start=entry.start, end=entry.end, window_bits=RAW_DEFLATE, allowance=allowance
            )
            self._inflater = inflater
            return inflater.chunks()
        if entry.method == STORED:
            return stored(data, start=entry.start, end=entry.end, allowance=allowance)
        if entry.method == BZIP2:
            return bunzip(data, start=entry.start, end=entry.end, allowance=allowance)
        if entry.method == LZMA:
            return unlzma(data, start=entry.start, end=entry.end, allowance=allowance)
        raise Rejected(Reason.UNSUPPORTED_COMPRESSION, f"zip method {entry.method}")

    def _verify(self) -> None:
        if self._crc != self._expected_crc():
            raise Rejected(Reason.CORRUPT_CONTAINER, "the CRC differs")
        size = self._entry.size
        if size is not None and size != self._size and MailRepair.ZIP_SIZE_WRONG not in self.repairs:
            self.repairs.append(MailRepair.ZIP_SIZE_WRONG)

    def _expected_crc(self) -> int:
        if self._entry.crc is not None:
            return self._entry.crc
        # Streamed by its writer and read without a directory: the CRC follows the data.
        at = self._inflater.end if self._inflater else self._entry.end
        at += 4 if self._data.startswith(_DESCRIPTOR, at) else 0
        return int.from_bytes(self._data[at : at + 4], "little")
