"""Content transfer encodings (RFC 2045 section 6), decoded whatever the label says and whatever happened on the way.

A strict decoder goes first. Only when it fails is the text repaired, and then the repair has a name.
"""

import binascii
import re
from typing import Final

from extractor import uuencode
from pipeline.contracts.repairs import MailRepair

MAX_JUNK: Final = 2048  # bytes that may stand before base64
MAX_RUNS: Final = 100  # runs of base64, each with its own padding, that one body may have

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_STRANGE: Final = bytes(set(range(256)) - set(_ALPHABET))
_SPACE: Final = b"\r\n\t "
_PLAIN_STARTS: Final = (b"\x1f\x8b", b"PK\x03\x04", b"<", b"{")  # what base64 text never begins with
# gzip, zip, "<?xml" (with a byte order mark too), "<feed", '{"' in base64, in a line that is nothing else
_ENCODED_TEXT: Final = rb"\s*(?:H4sI|UEsDB|UEswM|PD94b|77u/P|PGZlZ|eyJ|eyAi|ewog|ew0K)[A-Za-z0-9+/_-]{20}"
_ENCODED: Final = re.compile(_ENCODED_TEXT)
LATE_START: Final = re.compile(rb"^" + _ENCODED_TEXT, re.MULTILINE)
_UUENCODE: Final = frozenset({"x-uuencode", "x-uue", "uuencode", "uue"})
_URL_ALPHABET: Final = re.compile(rb"[A-Za-z0-9_-]+")
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


def decode(body: bytes, encoding: str) -> tuple[bytes, tuple[str, ...]]:
    """The decoded bytes of a part's body and the names of the repairs. Never raises."""
    if encoding in ("base64", "base-64", "b64", "b"):
        return _declared_base64(body)
    if encoding in _UUENCODE:
        data, repairs = uuencode.decoded(body)
        return (data, repairs) if data else (body, ())
    if _ENCODED.match(body[:64]):
        data, repairs = base64_of(body)
        return data, (MailRepair.BASE64_UNDECLARED, *repairs)
    if encoding in ("quoted-printable", "quotedprintable", "qp", "q"):
        return binascii.a2b_qp(body), ()
    return body, ()


def _declared_base64(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    if body[:64].lstrip().startswith(_PLAIN_STARTS):
        return body, (MailRepair.BASE64_NOT_USED,)
    data, repairs = base64_of(body)
    if MailRepair.BASE64_CHARACTERS in repairs and uuencode.has_files(body):
        return body, (MailRepair.BASE64_NOT_USED,)
    if not repairs or MailRepair.BASE64_CHARACTERS not in repairs:
        return data, repairs
    late = LATE_START.search(body, 0, MAX_JUNK)
    return (base64_of(body[late.start() :])[0] if late else data), repairs


def base64_of(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of base64, whatever is wrong with it, and the names of the repairs. Never raises."""
    text = body.translate(None, _SPACE)
    try:
        return binascii.a2b_base64(text, strict_mode=True), ()
    except binascii.Error:
        return _repaired_base64(body)


def _repaired_base64(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    urls = _url_alphabet(body)
    if urls is not None:
        return _unpadded(urls), (MailRepair.BASE64_URL_ALPHABET,)
    text = body.translate(None, _STRANGE)
    has_strange = len(text) < len(body.translate(None, _SPACE))
    first, *others = text.replace(b"==", b"=").split(b"=", MAX_RUNS)
    # Bytes that were encoded and padded by themselves may follow padding; a mailing list's footer may not.
    pieces = [first] if has_strange else [first, *others]
    decoded = b"".join(_unpadded(piece) for piece in pieces)
    return decoded, (MailRepair.BASE64_CHARACTERS if has_strange else MailRepair.BASE64_PADDING,)


def _url_alphabet(body: bytes) -> bytes | None:
    """Base64 that was written in the alphabet for URLs (RFC 4648 5), in the standard one; None when it was not.

    A mailing list's footer behind it, which is lines of hyphens or underscores at first, is left out.
    """
    if b"-" not in body and b"_" not in body:
        return None
    text = re.split(rb"\n\s*(?:\n|[_-]+\s*\n)", body.strip(), maxsplit=1)[0].translate(None, _SPACE).partition(b"=")[0]
    if not _URL_ALPHABET.fullmatch(text) or (b"-" not in text and b"_" not in text):
        return None
    return text.translate(_TO_STANDARD)


def _unpadded(text: bytes) -> bytes:
    """One run of base64 without its padding; a lone last character carries no byte and is dropped."""
    text = text.partition(b"=")[0]
    text = text[:-1] if len(text) % 4 == 1 else text
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
