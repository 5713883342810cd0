"""The content of a signed CMS message (S/MIME's smime.p7m: RFC 5652 section 5, RFC 8551 section 3.5): mail in clear.

Only the way to the content is walked, without recursion and in linear time, in DER and in BER with indefinite lengths
and chunks, as Outlook and OpenSSL write them. Nothing is verified: who signed a report is not what makes it a report.
"""

from typing import Final

from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected

_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0xA0
_OCTETS: Final = 0x04
_OCTET_CHUNKS: Final = 0x24
_END_OF_CONTENTS: Final = b"\x00\x00"
_HIGH_TAG: Final = 0x1F  # a tag number in octets of its own; none is on the way
_MAX_LENGTH_OCTETS: Final = 8
_INDEFINITE: Final = -1


def signed_content(data: bytes) -> bytes | None:
    """What was signed; None when it is not in there (a detached signature). Raises Rejected: damaged or cut."""
    at = _entered(data, 0, _SEQUENCE)  # ContentInfo
    at = _after(data, at)  # contentType
    at = _entered(data, at, _CONTEXT_0)
    at = _entered(data, at, _SEQUENCE)  # SignedData
    at = _after(data, at)  # version
    at = _after(data, at)  # digestAlgorithms
    end = _element(data, at)[2]
    at = _entered(data, at, _SEQUENCE)  # EncapsulatedContentInfo
    at = _after(data, at)  # eContentType
    if at == end or data.startswith(_END_OF_CONTENTS, at):
        return None
    return _octets(data, _entered(data, at, _CONTEXT_0))


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start of the content and its end (or _INDEFINITE) of the element at `at` (X.690 section 8.1)."""
    if at + 2 > len(data):
        raise Rejected(Reason.TRUNCATED_CONTAINER)
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise Rejected(Reason.CORRUPT_CONTAINER, "not the structure of a signed message")
    if length == 0x80:
        return tag, start, _INDEFINITE
    if length > 0x80:
        octets = length & 0x7F
        if octets > _MAX_LENGTH_OCTETS:
            raise Rejected(Reason.CORRUPT_CONTAINER, "not the structure of a signed message")
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if start + length > len(data):
        raise Rejected(Reason.TRUNCATED_CONTAINER)
    return tag, start, start + length


def _entered(data: bytes, at: int, expected: int) -> int:
    tag, start, _ = _element(data, at)
    if tag != expected:
        raise Rejected(Reason.CORRUPT_CONTAINER, "not the structure of a signed message")
    return start


def _after(data: bytes, at: int) -> int:
    """The position behind the element at `at`."""
    open_elements = 0
    while True:
        if open_elements and data.startswith(_END_OF_CONTENTS, at):
            open_elements -= 1
            at += 2
        else:
            _, start, end = _element(data, at)
            open_elements += end == _INDEFINITE
            at = start if end == _INDEFINITE else end
        if not open_elements:
            return at


def _octets(data: bytes, at: int) -> bytes:
    """An octet string, in one piece or in chunks of chunks; what is flat in the bytes is read flat."""
    tag, start, end = _element(data, at)
    if tag == _OCTETS and end != _INDEFINITE:
        return data[start:end]
    chunks: list[bytes] = []
    open_elements = int(end == _INDEFINITE)
    stop = len(data) if end == _INDEFINITE else end
    at = start
    while tag == _OCTET_CHUNKS and at < stop:
        if open_elements and data.startswith(_END_OF_CONTENTS, at):
            open_elements -= 1
            at += 2
            if not open_elements and end == _INDEFINITE:
                return b"".join(chunks)
            continue
        inner, start, inner_end = _element(data, at)
        if inner == _OCTETS and inner_end != _INDEFINITE:
            chunks.append(data[start:inner_end])
            at = inner_end
        elif inner == _OCTET_CHUNKS:
            open_elements += inner_end == _INDEFINITE
            at = start
        else:
            break
    if tag == _OCTET_CHUNKS and end != _INDEFINITE and at == stop:
        return b"".join(chunks)
    raise Rejected(Reason.CORRUPT_CONTAINER, "not the structure of a signed message")
