"""A mail server's name as people paste it: a bare name, name:port, an address in brackets, a URL. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TLS_PORT, STARTTLS_PORT = 993, 143
_SCHEMES = frozenset(("imap", "imaps", "imap+ssl", "imap+tls", "imap+starttls", "http", "https"))
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"  # what comes along when text is copied from a page


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """`port` is None where none was written, or where it is that of a web page."""

    host: str
    port: int | None = None


def parse(pasted: str) -> ServerAddress:
    """What `pasted` names. Raises ValueError, with a text for people, where that is no server.

    "imaps://mail.example:993/", "mail.example:993", "[::1]:143", "mail.example.", " mail.example " are all understood.
    """
    text = pasted.strip().strip(_INVISIBLE).strip()
    scheme, marked, rest = text.partition("://")
    if marked and scheme.lower() not in _SCHEMES:
        raise ValueError(f"{scheme[:20]}:// is not a mail server's address: enter its name, such as imap.example.com")
    place = (rest if marked else text).partition("/")[0].strip()
    if "@" in place:
        raise ValueError(
            "the user name has a field of its own: enter the server's name alone, such as imap.example.com"
        )
    host, port = _split(place)
    host = host.strip().rstrip(".")
    if not host or any(char.isspace() for char in host):
        raise ValueError("that is no server's name: enter a name such as imap.example.com")
    return ServerAddress(host, None if scheme.lower() in ("http", "https") and marked else port)


def taken_apart(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with "host", "port" and "security", where the port was pasted with the host.

    A pasted port counts where the field for it has its default; port 143 then means STARTTLS, as TLS is never spoken
    there from the start. Raises ValueError where host and port field name different ports.
    """
    host = values.get("host")
    if not isinstance(host, str):
        return dict(values)
    address = parse(host)
    found = {**values, "host": address.host}
    if address.port is None or str(values.get("port", TLS_PORT)) == str(address.port):
        return found
    if str(values.get("port", TLS_PORT)) != str(TLS_PORT):
        raise ValueError(f"the server is written with port {address.port}, the port field says {values['port']}")
    found["port"] = address.port
    if address.port == STARTTLS_PORT and values.get("security", "tls") == "tls":
        found["security"] = "starttls"
    return found


def _split(place: str) -> tuple[str, int | None]:
    """Host and port; an IPv6 address stands in brackets, or alone."""
    if place.startswith("["):
        host, closed, behind = place[1:].partition("]")
        if not closed or (behind and not behind.startswith(":")):
            raise ValueError("an IPv6 address is written as [::1] or [::1]:993")
        return host, _port(behind[1:])
    if place.count(":") != 1:
        return place, None
    host, _, port = place.partition(":")
    return host, _port(port)


def _port(digits: str) -> int | None:
    if not digits.strip():
        return None
    if not (digits.strip().isascii() and digits.strip().isdecimal() and 0 < int(digits[:9]) < 65536):
        raise ValueError(f"{digits[:20]!r} is no port: enter a number such as 993")
    return int(digits)
