"""Archives of two kinds behind one another in one file: a gzip file and a zip archive, whichever comes first.

Members of one gzip file, and zip archives behind each other, are for `gz` and `zipdirectory` to tell apart.
"""

from typing import Final

from extractor.sniff import Sniffed
from extractor.zipdirectory import last_end, span

_GZIP_MEMBER: Final = b"\x1f\x8b\x08"
_PADDING: Final = b"\r\n\t \x00"


def apart(data: bytes, kind: Sniffed) -> list[tuple[Sniffed, bytes]]:
    """The archives in a file that begins as one of this kind; mostly that is the file as it is."""
    if kind not in (Sniffed.GZIP, Sniffed.ZIP):
        return [(kind, data)]
    last = last_end(data)
    place = None if last < 0 or (kind is Sniffed.ZIP and last >= len(data)) else span(data)  # mostly there is none
    if place is None:
        return [(kind, data)]
    begin, end = place
    if kind is Sniffed.GZIP:
        # A zip that is packed by gzip, as it is, has the gzip's own end behind it.
        is_behind = begin > 0 and not data[end:].strip(_PADDING)
        return [(kind, data[:begin]), (Sniffed.ZIP, data[begin:])] if is_behind else [(kind, data)]
    rest = data[end:].lstrip(_PADDING)
    return [(kind, data[:end]), (Sniffed.GZIP, rest)] if rest.startswith(_GZIP_MEMBER) else [(kind, data)]
