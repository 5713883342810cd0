"""Content transfer encodings (RFC 2045 section 6), decoded whatever the label says and whatever happened on the way.

A strict decoder goes first. Only when it fails is the text mended, and then the repair has a name.
"""

import binascii
import re
from typing import Final

from extractor.repairs import Repair

MAX_RUNS: Final = 100  # runs of base64, each with its own padding, that one body may have

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_STRANGE: Final = bytes(set(range(256)) - set(_ALPHABET))
_SPACE: Final = b"\r\n\t "
_PLAIN_STARTS: Final = (b"\x1f\x8b", b"PK\x03\x04", b"<", b"{")  # what base64 text never begins with
# gzip, zip, "<?xml", "<feed", '{"' in base64, in a line that is nothing else
_ENCODED_START: Final = re.compile(rb"\s*(?:H4sI|UEsDB|PD94b|PGZlZ|eyJ|eyAi|ewog|ew0K)[A-Za-z0-9+/]{20}")


def decode(body: bytes, encoding: str) -> tuple[bytes, tuple[str, ...]]:
    """The decoded bytes of a part's body and the names of the repairs. Never raises."""
    if encoding in ("base64", "base-64", "b64", "b"):
        return _declared_base64(body)
    if encoding in ("quoted-printable", "quotedprintable", "qp", "q"):
        return binascii.a2b_qp(body), ()
    if _ENCODED_START.match(body[:64]):
        data, repairs = _base64(body)
        return data, (Repair.BASE64_UNDECLARED, *repairs)
    return body, ()


def _declared_base64(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    if body[:64].lstrip().startswith(_PLAIN_STARTS):
        return body, (Repair.BASE64_NOT_USED,)
    return _base64(body)


def _base64(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    text = body.translate(None, _SPACE)
    try:
        return binascii.a2b_base64(text, strict_mode=True), ()
    except binascii.Error:
        return _mended_base64(body)


def _mended_base64(body: bytes) -> tuple[bytes, tuple[str, ...]]:
    text = body.translate(None, _STRANGE)
    has_strange = len(text) < len(body.translate(None, _SPACE))
    first, *others = text.replace(b"==", b"=").split(b"=", MAX_RUNS)
    # Bytes that were encoded and padded by themselves may follow padding; a mailing list's footer may not.
    pieces = [first] if has_strange else [first, *others]
    decoded = b"".join(_unpadded(piece) for piece in pieces)
    return decoded, (Repair.BASE64_CHARACTERS if has_strange else Repair.BASE64_PADDING,)


def _unpadded(text: bytes) -> bytes:
    """One run of base64 without its padding; a lone last character carries no byte and is dropped."""
    text = text.partition(b"=")[0]
    text = text[:-1] if len(text) % 4 == 1 else text
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
