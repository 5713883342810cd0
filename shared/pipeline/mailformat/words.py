"""Encoded words: "=?charset?encoding?text?=" in a header value (RFC 2047)."""

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from pipeline.mailformat.charsets import decoded

MAX_TEXT: Final = 16 * 1024  # characters of a value that are looked at

_BEGIN: Final = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?")
_END: Final = "?="


class _Piece(NamedTuple):
    """A stretch of a value: plain text, or the bytes of an encoded word in a charset."""

    text: str
    raw: bytes = b""
    charset: str = ""


def decoded_words(text: str) -> str:
    """`text` with its encoded words decoded, and the white space between two of them dropped (section 6.2).

    A word that is broken stays as it is. A character may be spread over words of the same charset, against section 5.
    """
    text = text[:MAX_TEXT]
    return "".join(_joined(_pieces(text))) if "=?" in text else text


def _pieces(text: str) -> Iterator[_Piece]:
    """Each character is looked at once: where no word ends any more, none begins."""
    done = 0
    at = text.find("=?")
    while at >= 0:
        begin = _BEGIN.match(text, at)
        if begin is None:
            at = text.find("=?", at + 2)
            continue
        end = text.find(_END, begin.end())
        if end < 0:
            break
        raw = _bytes(text[begin.end() : end], begin[2].lower())
        end += len(_END)
        if raw is not None:
            yield _Piece(text[done:at])
            yield _Piece("", raw, begin[1].partition("*")[0].lower())  # RFC 2231 section 5: a language behind "*"
            done = end
        at = text.find("=?", end)
    yield _Piece(text[done:])


def _bytes(encoded: str, encoding: str) -> bytes | None:
    """The bytes of a word; None when it is broken."""
    try:
        ascii_only = encoded.encode("ascii")
        if encoding == "q":
            return binascii.a2b_qp(ascii_only, header=True)
        return binascii.a2b_base64(ascii_only + b"=" * (-len(ascii_only) % 4))
    except (binascii.Error, UnicodeEncodeError):
        return None


def _joined(pieces: Iterable[_Piece]) -> Iterator[str]:
    run: list[bytes] = []
    charset = between = ""
    for piece in pieces:
        if not piece.charset:
            between = piece.text
            continue
        if run and (between.strip() or piece.charset != charset):
            yield decoded(b"".join(run), charset)
            run.clear()
        if between.strip() or not charset:
            yield between
        run.append(piece.raw)
        charset, between = piece.charset, ""
    if run:
        yield decoded(b"".join(run), charset)
    yield between
