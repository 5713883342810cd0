"""The directory of a zip file (APPNOTE 4.3): where its members are, as a stream that ends when the reader has enough.

Order of trust: the central directory; where that is missing or broken, the local headers one after the other.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from pipeline.reasons import Reason

_END: Final = struct.Struct("<4s4H2LH")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_END_MAGIC: Final = b"PK\x05\x06"
_END64_MAGIC: Final = b"PK\x06\x06"
_CENTRAL_MAGIC: Final = b"PK\x01\x02"
_LOCAL_MAGIC: Final = b"PK\x03\x04"
_IN_EXTRA: Final = 0xFFFFFFFF  # the true number is in the zip64 extra field
_UTF8_FLAG: Final = 0x800
_DESCRIPTOR_FLAG: Final = 0x8

# A zip that begins with one of these is a document of an office suite, a program or a book, not an archive of reports.
_NOT_ARCHIVES: Final = ("[Content_Types].xml", "mimetype", "_rels/.rels", "META-INF/MANIFEST.MF", "AndroidManifest.xml")


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: its compressed bytes are `data[start:end]`. `crc` and `size` are claims; None when not known."""

    name: str
    method: int
    flags: int
    crc: int | None
    size: int | None
    start: int
    end: int
    damage: Reason | None = None
    recovered: bool = False  # found without a directory

    @property
    def is_directory(self) -> bool:
        """Whether it stands for a folder and has no bytes."""
        return self.name.endswith("/") and self.start == self.end


def entries(data: bytes) -> Iterator[Entry]:
    """The members of the zip file `data`, in the order of its directory; nothing when it has no members."""
    found = next(_by_directory(data), None)
    return _by_directory(data) if found else _by_local_headers(data)


def _by_directory(data: bytes) -> Iterator[Entry]:
    found = _central_directory(data)
    if found is None:
        return
    at, shift = found
    while data.startswith(_CENTRAL_MAGIC, at) and at + _CENTRAL.size <= len(data):
        entry, at = _central_entry(data, at, shift)
        yield entry


def _by_local_headers(data: bytes) -> Iterator[Entry]:
    """The members of a zip file whose end is lost. Their content proves itself by its CRC."""
    at = data.find(_LOCAL_MAGIC)
    while 0 <= at <= len(data) - _LOCAL.size:
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size + name_length + extra_length
        name = _name(data[at + _LOCAL.size : at + _LOCAL.size + name_length], flags)
        entry = Entry(name, method, flags, crc, size, start, start + packed, recovered=True)
        at = data.find(_LOCAL_MAGIC, entry.end)
        if flags & _DESCRIPTOR_FLAG:  # streamed by its writer: sizes and CRC follow the data
            entry = replace(entry, crc=None, size=None, end=at if at > 0 else len(data))
        if entry.end > len(data):
            entry = replace(entry, start=min(start, len(data)), end=len(data), damage=Reason.TRUNCATED_CONTAINER)
        yield entry


def holds_other_things(data: bytes) -> bool:
    """Whether this zip is an office document, a program or a book, by the name of its first member."""
    first = next(entries(data), None)
    return first is not None and first.name in _NOT_ARCHIVES


def _central_directory(data: bytes) -> tuple[int, int] | None:
    """Where the directory begins, and by how much every offset in it is off (bytes before the archive)."""
    end = data.rfind(_END_MAGIC)
    if end < 0 or end + _END.size > len(data):
        return None
    _, _, _, _, _, size, offset, _ = _END.unpack_from(data, end)
    if size == _IN_EXTRA or offset == _IN_EXTRA:
        return _central_directory64(data, end)
    begin = end - size
    if begin >= 0 and data.startswith(_CENTRAL_MAGIC, begin):
        return begin, begin - offset
    if data.startswith(_CENTRAL_MAGIC, offset):
        return offset, 0
    return None


def _central_directory64(data: bytes, end: int) -> tuple[int, int] | None:
    record = data.rfind(_END64_MAGIC, 0, end)
    if record < 0 or record + 56 > len(data):
        return None
    size, offset = struct.unpack_from("<QQ", data, record + 40)
    begin = record - size
    return (begin, begin - offset) if begin >= 0 and data.startswith(_CENTRAL_MAGIC, begin) else None


def _central_entry(data: bytes, at: int, shift: int) -> tuple[Entry, int]:
    fields = _CENTRAL.unpack_from(data, at)
    flags, method, crc, packed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
    name_length, extra_length, comment_length, offset = fields[10], fields[11], fields[12], fields[16]
    extra_at = at + _CENTRAL.size + name_length
    size, packed, offset = _true_sizes(data[extra_at : extra_at + extra_length], size, packed, offset)
    name = _name(data[at + _CENTRAL.size : extra_at], flags)
    claimed = Entry(name, method, flags, crc, size, start=0, end=0)
    return _located(data, claimed, offset + shift, packed), extra_at + extra_length + comment_length


def _located(data: bytes, entry: Entry, local: int, packed: int) -> Entry:
    """The entry with the place of its bytes: only the local header knows how long it is itself."""
    if local < 0 or local + _LOCAL.size > len(data) or not data.startswith(_LOCAL_MAGIC, local):
        return replace(entry, damage=Reason.CORRUPT_CONTAINER)
    fields = _LOCAL.unpack_from(data, local)
    start = local + _LOCAL.size + fields[9] + fields[10]
    end = start + packed
    damage = Reason.TRUNCATED_CONTAINER if end > len(data) else None
    end = min(end, len(data))
    return replace(entry, flags=entry.flags | fields[2], start=min(start, end), end=end, damage=damage)


def _true_sizes(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The three numbers, taken from the zip64 extra field (APPNOTE 4.5.3) where they say that they are there."""
    if _IN_EXTRA not in (size, packed, offset):
        return size, packed, offset
    numbers = _zip64_numbers(extra)
    known = [next(numbers, value) if value == _IN_EXTRA else value for value in (size, packed, offset)]
    return known[0], known[1], known[2]


def _zip64_numbers(extra: bytes) -> Iterator[int]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            body = extra[at + 4 : at + 4 + length]
            yield from (number for (number,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8]))
            return
        at += 4 + length


def _name(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8" if flags & _UTF8_FLAG else "cp437", "replace")
