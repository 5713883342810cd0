"""The directory of a zip file (APPNOTE 4.3): where its members are, as a stream that ends when the reader has enough.

Order of trust: the central directory; where that is missing or broken, the local headers one after the other.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import MailRepair

_END: Final = struct.Struct("<4s4H2LH")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_END_MAGIC: Final = b"PK\x05\x06"
_END64_MAGIC: Final = b"PK\x06\x06"
MAX_ARCHIVES: Final = 1000  # behind each other in one file
MAX_CHECKED: Final = 1000  # entries of a directory that are compared with the members before it is believed

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
    repairs: tuple[str, ...] = ()

    @property
    def is_directory(self) -> bool:
        """Whether it stands for a folder and has no bytes."""
        return self.name.endswith("/") and self.start == self.end


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a central directory is, and by how much the positions in it are off."""

    at: int
    end: int
    shift: int
    is_offset_wrong: bool = False
    is_one_of_several: bool = False

    @property
    def repairs(self) -> tuple[str, ...]:
        if self.is_one_of_several:
            return (MailRepair.ZIP_SEVERAL,)
        return (MailRepair.ZIP_OFFSET_WRONG,) if self.is_offset_wrong else ()


def entries(data: bytes) -> Iterator[Entry]:
    """The members of the zip file `data`, in the order of its directory; nothing when it has no members.

    Of archives behind each other in one file, all, each by its own directory.
    """
    directories = _directories(data)
    known = list(islice(_by_directories(data, directories), MAX_CHECKED))
    if not known or any(entry.damage is Reason.CORRUPT_CONTAINER for entry in known):
        return _by_local_headers(data)
    return iter(known) if len(known) < MAX_CHECKED else _by_directories(data, directories)


def has_directory(data: bytes) -> bool:
    """Whether an archive ends here that leads to a member, whatever stands before it (a program that unpacks it)."""
    place = _central_directory(data, len(data))
    first = next(_by_directory(data, place), None) if place else None
    return first is not None and first.damage is None


def span(data: bytes) -> tuple[int, int] | None:
    """Where the archives in `data` begin and the last one ends; None where no directory leads to a member."""
    return (_archive_begins(data, _directories(data)[0]), last_end(data)) if has_directory(data) else None


def last_end(data: bytes) -> int:
    """Behind the last thing in `data` that looks like an archive's end; -1 where there is none."""
    at = data.rfind(_END_MAGIC)
    return at + _END.size + _END.unpack_from(data, at)[7] if 0 <= at <= len(data) - _END.size else -1


def _directories(data: bytes) -> list["_Place"]:
    """The directories of the archives that stand behind each other in `data`, in order; mostly there is one."""
    found: list[_Place] = []
    end = len(data)
    while len(found) < MAX_ARCHIVES:
        place = _central_directory(data, end)
        if place is None:
            break
        found.append(place)
        if data.rfind(_END_MAGIC, 0, place.at) < 0:
            break
        end = _archive_begins(data, place)
    several = len(found) > 1
    return [replace(place, is_one_of_several=several) for place in reversed(found)]


def _by_directories(data: bytes, directories: list["_Place"]) -> Iterator[Entry]:
    return (entry for place in directories for entry in _by_directory(data, place))


def _by_directory(data: bytes, place: "_Place") -> Iterator[Entry]:
    at = place.at
    while data.startswith(_CENTRAL_MAGIC, at) and at + _CENTRAL.size <= place.end:
        entry, at = _central_entry(data, at, place.shift)
        yield replace(entry, repairs=place.repairs) if place.repairs else entry


def _by_local_headers(data: bytes) -> Iterator[Entry]:
    """The members of a zip file whose end is lost. Their content proves itself by its CRC."""
    at = data.find(_LOCAL_MAGIC)
    while 0 <= at <= len(data) - _LOCAL.size:
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size + name_length + extra_length
        name = _name(data[at + _LOCAL.size : at + _LOCAL.size + name_length], flags)
        entry = Entry(
            name, method, flags, crc, size, start, start + packed, repairs=(MailRepair.ZIP_DIRECTORY_MISSING,)
        )
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


def _central_directory(data: bytes, limit: int) -> _Place | None:
    """The directory of the archive that ends last in `data[:limit]`."""
    end = data.rfind(_END_MAGIC, 0, limit)
    if end < 0 or end + _END.size > limit:
        return None
    _, _, _, _, _, size, offset, _ = _END.unpack_from(data, end)
    if size == _IN_EXTRA or offset == _IN_EXTRA:
        numbers = _sizes64(data, end)
        if numbers is None:
            return None
        size, offset, directory_end = numbers
    else:
        directory_end = end
    begin = directory_end - size
    if begin >= 0 and data.startswith(_CENTRAL_MAGIC, begin):
        return _place(data, begin, end, offset)
    if data.startswith(_CENTRAL_MAGIC, offset) and offset < end:
        return _place(data, offset, end, offset)
    return None


def _place(data: bytes, at: int, end: int, claimed: int) -> _Place:
    """The directory at `at`, with the shift under which its first entry leads to its member."""
    local = _CENTRAL.unpack_from(data, at)[16] if at + _CENTRAL.size <= len(data) else 0
    for shift in dict.fromkeys((at - claimed, 0)):
        if local == _IN_EXTRA or data.startswith(_LOCAL_MAGIC, max(local + shift, 0)):
            return _Place(at, end, shift, is_offset_wrong=shift != at - claimed)
    return _Place(at, end, at - claimed)


def _archive_begins(data: bytes, place: _Place) -> int:
    """Where the archive of this directory begins, and so another may end: at the first of its members."""
    offsets: list[int] = []
    at = place.at
    while data.startswith(_CENTRAL_MAGIC, at) and at + _CENTRAL.size <= place.end and len(offsets) < MAX_ARCHIVES:
        fields = _CENTRAL.unpack_from(data, at)
        offsets.append(fields[16] + place.shift)
        at += _CENTRAL.size + fields[10] + fields[11] + fields[12]
    return max(0, min(place.at, *offsets)) if offsets else 0


def _sizes64(data: bytes, end: int) -> tuple[int, int, int] | None:
    """Size and offset of a directory by its zip64 end record (APPNOTE 4.3.14), and where that record is."""
    record = data.rfind(_END64_MAGIC, 0, end)
    if record < 0 or record + 56 > len(data):
        return None
    size, offset = struct.unpack_from("<QQ", data, record + 40)
    return size, offset, record


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
