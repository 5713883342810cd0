"""A mail as it was before a program put something round it: looked for only where no header field of a mail begins it.

Lines of gateways and mail programs before the header ("Microsoft Mail Internet Headers", "+OK", HTTP's answer line),
a mail saved as UTF-16 text, Apple Mail's .emlx (the length in a line, the mail, a property list), odd line ends.
"""

import re
from itertools import islice
from typing import Final

from extractor.fields import is_mail
from extractor.mbox import header_start
from pipeline.contracts.repairs import MailRepair
from pipeline.mailformat.fields import begins_with_field

JUNK_LINES: Final = 100
JUNK_BYTES: Final = 64 * 1024

_ODD_LINE_ENDS: Final = re.compile(rb"(?<!\r)\r++\n|\r")  # a run of CR is looked along once, from its start
_EMLX: Final = re.compile(rb"[\s\xef\xbb\xbf]{0,16}(\d{1,10})[ \t]*\r?\n")
_PLIST: Final = re.compile(rb"<\?xml [^>]{1,100}\?>\s{0,10}(?:<!DOCTYPE plist[^>]{0,200}>\s{0,10})?<plist\b")
_BEFORE_HEADER: Final = b"\xef\xbb\xbf\r\n \t"  # byte order mark and white space
_LINE_END: Final = re.compile(rb"\n")
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF32_BOMS: Final = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")


def with_line_feeds(raw: bytes) -> bytes:
    """`raw`, or a copy with line feeds where a header's lines end in something else: CR alone, or CR CR LF."""
    end = raw.find(b"\n")
    first_return = raw.find(b"\r", 0, end if end >= 0 else len(raw))
    if first_return < 0 or first_return == end - 1 or b"\x00" in raw[max(0, first_return - 1) : first_return + 2]:
        return raw  # all is well, or it is UTF-16
    return _ODD_LINE_ENDS.sub(b"\n", raw)


def restored(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The mail in `raw` and the names of the repairs; `raw` as it is where no mail can be seen in it."""
    text, repairs = _as_bytes_a_character(raw)
    emlx = _out_of_emlx(text)
    if emlx is not None:
        text, repairs = emlx, (*repairs, MailRepair.MAIL_EMLX)
    text = text.lstrip(_BEFORE_HEADER)
    at = _header_begins(text)
    if at:
        text, repairs = text[at:], (*repairs, MailRepair.MAIL_LEADING_LINES)
    return (text, repairs) if repairs and is_mail(text) else (raw, ())


def _as_bytes_a_character(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """UTF-16 as UTF-8, with line feeds; everything else as it is."""
    head = raw[:64]
    if head.startswith(_UTF32_BOMS):
        encoding = "utf-32"
    elif head.startswith(_UTF16_BOMS):
        encoding = "utf-16"
    elif head[1::2].count(0) > len(head) // 3:
        encoding = "utf-16-le"
    elif head[::2].count(0) > len(head) // 3:
        encoding = "utf-16-be"
    else:
        return raw, ()
    text = raw.decode(encoding, "replace").removeprefix("\ufeff")
    return with_line_feeds(text.encode("utf-8", "replace")), (MailRepair.MAIL_UTF16,)


def _out_of_emlx(text: bytes) -> bytes | None:
    found = _EMLX.match(text)
    if not found or not begins_with_field(text, header_start(text, found.end())):
        return None
    end = found.end() + int(found[1])
    if end <= len(text) and (end == len(text) or text[end : end + 64].lstrip().startswith(b"<")):
        return text[found.end() : end]
    plist = max((match.start() for match in _PLIST.finditer(text, max(0, len(text) - JUNK_BYTES))), default=len(text))
    return text[found.end() : plist]


def _header_begins(text: bytes) -> int:
    """The position of the first line among the first ones from which on the text is a mail; 0 when there is none."""
    at = header_start(text)
    if begins_with_field(text, at) and is_mail(text[at : at + JUNK_BYTES]):
        return 0
    for end in islice(_LINE_END.finditer(text, 0, JUNK_BYTES), JUNK_LINES):
        at = header_start(text, end.end())
        if begins_with_field(text, at) and is_mail(text[at : at + JUNK_BYTES]):
            return at
    return 0
