"""IP addresses, as senders write them: the address itself, or the one address that a text shows."""

import re
import socket
from typing import Final
from unicodedata import normalize

from pipeline.contracts.repairs import Repair

MAX_LOOKED_AT: Final = 200  # characters of a value in which an address is looked for

_OCTETS: Final = re.compile(r"0*([0-9]{1,3})\.0*([0-9]{1,3})\.0*([0-9]{1,3})\.0*([0-9]{1,3})")
_WITH_PORT: Final = re.compile(r"([0-9.]{7,20}):[0-9]{1,5}")
_SHOWN: Final = re.compile(
    r"(?<![\w.:-])(?:IPv[46]:)?([0-9A-Fa-f:.]{2,60}+)(?:%[\w.~-]{1,40})?(?:/([0-9]{1,3}))?(?![\w:-])", re.IGNORECASE
)
_MAPPED_PREFIX: Final = b"\0" * 10 + b"\xff\xff"
_WHOLE: Final = {4: "32", 6: "128"}  # the prefix length of a single host


def read_ip(text: str) -> tuple[str | None, Repair | None]:
    """An address in canonical text (RFC 5952; IPv4-mapped IPv6 as IPv4), or None, and the repair that it took.

    The same address in another spelling (case, zeros of IPv6) is no repair. Brackets, a prefix "IPv6:", a name beside
    it, a port, a zone, the prefix length of a single host, leading zeros (read as decimal) are taken off where exactly
    one address is shown.
    """
    value = text.strip()
    canonical = _ipv4(value) if ":" not in value else _ipv6(value)
    if canonical is not None:
        return canonical, Repair.SOURCE_IP_FORM if ":" in value and ":" not in canonical else None
    if not value:
        return None, Repair.MISSING_SOURCE_IP
    shown = _shown(normalize("NFKC", value)) if len(value) <= MAX_LOOKED_AT else None
    return shown, Repair.UNREADABLE_SOURCE_IP if shown is None else Repair.SOURCE_IP_FORM


def _ipv4(value: str) -> str | None:
    try:
        socket.inet_pton(socket.AF_INET, value)
    except (OSError, ValueError):
        return None
    return value


def _ipv6(value: str) -> str | None:
    try:
        packed = socket.inet_pton(socket.AF_INET6, value)
    except (OSError, ValueError):
        return None
    if packed.startswith(_MAPPED_PREFIX):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def _shown(text: str) -> str | None:
    """The one address that the text shows; None where there are several, or it is one of a network."""
    found = set()
    for match in _SHOWN.finditer(text):
        address = _bare(match[1].rstrip("."))
        if address is None:
            continue
        if match[2] is not None and match[2] != _WHOLE[6 if ":" in match[1] else 4]:
            return None
        found.add(address)
    return found.pop() if len(found) == 1 else None


def _bare(token: str) -> str | None:
    with_port = _WITH_PORT.fullmatch(token)
    token = with_port[1] if with_port else token
    octets = _OCTETS.fullmatch(token)
    if octets is not None:
        return _ipv4(".".join(octets.groups()))
    return _ipv6(token) if ":" in token else _ipv4(token)
