"""Modified UTF-7, the encoding of folder names on the wire (RFC 3501 section 5.1.3).

Printable ASCII stands for itself, "&" is "&-", and everything else is UTF-16BE in base64 between "&" and "-", with ","
in place of "/".
"""

import re
from base64 import b64decode, b64encode

_TO_ENCODE = re.compile(r"&|[^\x20-\x7e]+")


def encode(name: str) -> str:
    """The folder name as it goes over the wire: printable ASCII only, whatever the name holds."""
    return _TO_ENCODE.sub(_shifted, name)


def decode(wire: str) -> str:
    """The folder name as people read it; a name that is not valid modified UTF-7 is returned as it is."""
    plain, *shifts = wire.split("&")
    try:
        return plain + "".join(map(_unshifted, shifts))
    except ValueError:
        return wire


def _shifted(found: re.Match[str]) -> str:
    text = found[0]
    if text == "&":
        return "&-"
    coded = b64encode(text.encode("utf-16-be", "surrogatepass")).decode("ascii")
    return f"&{coded.rstrip('=').replace('/', ',')}-"


def _unshifted(text: str) -> str:
    """What followed an "&", up to the next one. Raises ValueError where that is no modified UTF-7."""
    coded, end, plain = text.partition("-")
    if not end:
        raise ValueError("a shift is not closed")
    if not coded:
        return "&" + plain
    coded = coded.replace(",", "/")
    return b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode("utf-16-be") + plain
