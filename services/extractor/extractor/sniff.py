"""What bytes are, by the first of them. Labels, names and types say what a sender believes; bytes say what is there."""

import re
from enum import StrEnum
from typing import Final

from extractor.fields import is_mail

HEAD: Final = 64 * 1024  # bytes; at most so much is looked at
JUNK: Final = 1024  # bytes of junk that may stand before the first "<" of an XML document


class Sniffed(StrEnum):
    """What the bytes look like; the words are shown to the operator."""

    EMPTY = "empty"
    GZIP = "gzip"
    ZIP = "zip"
    XML = "xml"
    JSON = "json"
    MAIL = "mail"
    HTML = "html"
    TEXT = "text"
    TNEF = "tnef"
    OLE2 = "ole2"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    XZ = "xz"
    BZIP2 = "bzip2"
    ZSTD = "zstd"
    LZIP = "lzip"
    COMPRESS = "compress"
    CABINET = "cab"
    TAR = "tar"
    PGP = "pgp"
    CMS_SIGNED = "cms-signed"
    CMS_ENCRYPTED = "cms-encrypted"
    APPLE_DOUBLE = "apple-double"
    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    GIF = "gif"
    DEFLATE = "deflate"
    UUENCODED = "uuencoded"
    BINARY = "binary"


# Containers that are known and not opened: what is in them stays unseen, and that must be said.
UNSUPPORTED: Final = frozenset(
    {
        Sniffed.TNEF,
        Sniffed.SEVEN_ZIP,
        Sniffed.RAR,
        Sniffed.XZ,
        Sniffed.BZIP2,
        Sniffed.ZSTD,
        Sniffed.LZIP,
        Sniffed.COMPRESS,
        Sniffed.CABINET,
        Sniffed.TAR,
    }
)
ENCRYPTED: Final = frozenset({Sniffed.PGP, Sniffed.CMS_ENCRYPTED})

_MAGIC: Final = (
    (b"\x1f\x8b", Sniffed.GZIP),
    (b"PK\x03\x04", Sniffed.ZIP),
    (b"PK\x05\x06", Sniffed.ZIP),
    (b"PK\x07\x08", Sniffed.ZIP),
    (b"PK00PK", Sniffed.ZIP),  # meant to be the first of several volumes, and is the only one
    (b"PK30PK", Sniffed.ZIP),
    (b"\x89PNG", Sniffed.PNG),
    (b"\xff\xd8\xff", Sniffed.JPEG),
    (b"GIF8", Sniffed.GIF),
    (b"%PDF", Sniffed.PDF),
    (b"\x78\x9f\x3e\x22", Sniffed.TNEF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Sniffed.OLE2),
    (b"7z\xbc\xaf\x27\x1c", Sniffed.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Sniffed.RAR),
    (b"\xfd7zXZ\x00", Sniffed.XZ),
    (b"BZh", Sniffed.BZIP2),
    (b"\x28\xb5\x2f\xfd", Sniffed.ZSTD),
    (b"LZIP", Sniffed.LZIP),
    (b"\x1f\x9d", Sniffed.COMPRESS),
    (b"MSCF\x00\x00\x00\x00", Sniffed.CABINET),
    (b"\x00\x05\x16\x07", Sniffed.APPLE_DOUBLE),
    (b"-----BEGIN PGP MESSAGE", Sniffed.PGP),
)
_MAGIC_BY_FIRST_BYTE: Final = {
    first: tuple(known for known in _MAGIC if known[0].startswith(first)) for first in {m[:1] for m, _ in _MAGIC}
}
_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HTML: Final = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|div|p|table|span|meta|style|br|font|center|h[1-6]|a)\b", re.IGNORECASE
)
_XHTML: Final = re.compile(rb"<html\b", re.IGNORECASE)
_LATE_XML: Final = re.compile(rb"<\?xml\b|<(?:[\w.-]{1,64}:)?feedback\b")
_ROOT: Final = re.compile(rb"<(?:[\w.-]{1,64}:)?feedback[\s/>]")
_XML_WORDS: Final = re.compile(rb"feedback|report_metadata|policy_published|report_id|org_name", re.IGNORECASE)
_JSON_WORDS: Final = re.compile(rb'"(?:organization-name|report-id|date-range|policies|contact-info)"')
_LATE_JSON: Final = re.compile(rb"^[ \t]*[\[{]", re.MULTILINE)
_CONTROLS: Final = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_SIGNED_DATA: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"  # OID 1.2.840.113549.1.7.2
_CMS: Final = (b"\x2a\x86\x48\x86\xf7\x0d\x01\x07", b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17")


def sniff(data: bytes) -> Sniffed:
    """The format of `data`; a decision takes at most its first 64 KiB."""
    start = data[:64].lstrip(b"\r\n\t ")
    for magic, kind in _MAGIC_BY_FIRST_BYTE.get(start[:1], ()):
        if start.startswith(magic):
            return kind
    if start[:1] == b"\x30" and any(oid in start[:32] for oid in _CMS):
        return Sniffed.CMS_SIGNED if _SIGNED_DATA in start[:32] else Sniffed.CMS_ENCRYPTED
    if data[257:262] == b"ustar":
        return Sniffed.TAR
    return _sniff_text(text_head(data))


def looks_like_report(data: bytes) -> bool:
    """Whether XML or JSON (by `sniff`) has the words of a report near its beginning."""
    text = text_head(data)
    if text.startswith(b"<"):
        return _XML_WORDS.search(text) is not None
    if text.startswith((b"{", b"[")):
        return _JSON_WORDS.search(text) is not None
    return _XML_WORDS.search(text) is not None or _JSON_WORDS.search(text) is not None


def is_report_itself(data: bytes) -> bool:
    """Whether text is a report and nothing else: what a text part without a file name must be to count as one."""
    text = text_head(data)
    if text.startswith((b"{", b"[")):
        return _JSON_WORDS.search(text) is not None
    return text.startswith(b"<") and _ROOT.search(text) is not None


def text_head(data: bytes) -> bytes:
    """The beginning of a text as one byte a character (for ASCII, at least) without byte order mark and white space."""
    head = data[:HEAD]
    while head.startswith(_BOMS):
        for bom in _BOMS:
            head = head.removeprefix(bom)
    if b"\x00" in head[:256]:
        head = head.replace(b"\x00", b"")  # UTF-16 becomes ASCII; stray NULs vanish
    return head.lstrip()


def _sniff_text(text: bytes) -> Sniffed:
    if not text:
        return Sniffed.EMPTY
    if text.startswith(b"<"):
        return _sniff_markup(text)
    if text.startswith(b"{") or (text.startswith(b"[") and _JSON_WORDS.search(text)):
        return Sniffed.JSON
    if is_mail(text):
        return Sniffed.MAIL
    late = _LATE_XML.search(text, 0, JUNK)
    if late and _XML_WORDS.search(text, late.start()):
        return Sniffed.XML
    late = _LATE_JSON.search(text, 0, JUNK)
    if late and _JSON_WORDS.search(text, late.start()):
        return Sniffed.JSON
    return Sniffed.BINARY if len(text.translate(None, _CONTROLS)) < len(text) else Sniffed.TEXT


def _sniff_markup(text: bytes) -> Sniffed:
    if _ROOT.search(text, 0, 4096):
        return Sniffed.XML
    if _HTML.match(text) or _XHTML.search(text, 0, 2048):
        return Sniffed.HTML
    return Sniffed.XML
