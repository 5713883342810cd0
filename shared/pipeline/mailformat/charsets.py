"""From bytes to text under the name of a charset that a stranger wrote.

Only known charsets are looked up: Python's codecs include some that are no charsets, one of them quadratic (punycode),
and its registry remembers every unknown name for ever.
"""

from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Final

MAX_NAME: Final = 40  # characters of a charset's name
_NO_CHARSETS: Final = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec", "mbcs"}
)
_WITHOUT_ALIAS: Final = ("koi8_u", "cp874", "cp720", "utf_8_sig")
_CODECS: Final = {
    name: codec
    for codec in {*aliases.values(), *_WITHOUT_ALIAS} - _NO_CHARSETS
    for name in (codec, *(alias for alias, meant in aliases.items() if meant == codec))
}


def is_known(charset: str) -> bool:
    """Whether Python has a codec for this charset."""
    return normalize_encoding(charset[:MAX_NAME]).lower() in _CODECS


def decoded(raw: bytes, charset: str) -> str:
    """`raw` as text; what is no character in this charset is replaced. An unknown charset is taken as Latin-1."""
    codec = _CODECS.get(normalize_encoding(charset[:MAX_NAME]).lower(), "latin-1")
    try:
        text = raw.decode(codec, "replace")
    except (LookupError, UnicodeError):  # a codec of another system, or one that knows no "replace"
        return raw.decode("latin-1")
    return text.encode("utf-8", "replace").decode()  # a codec may give half of a surrogate pair


def guessed(raw: bytes) -> str:
    """`raw` as UTF-8 when it is that, else as Latin-1, in which everything is text."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
