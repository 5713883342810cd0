"""What an address in a setting must look like, and how it is shown: in words, and never with what it holds.

An address may hold a password, so neither the errors here nor `nats_servers` repeat anything but host and port.
"""

import re
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

HOST_AND_PORT = re.compile(r"([A-Za-z0-9._-]*|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})")
MAX_PORT = 65535
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
NATS_PORT = 4222
NATS_SCHEMES = frozenset({"nats", "tls"})
WEBSOCKET_SCHEMES = frozenset({"ws", "wss"})
POSTGRES_SCHEMES = frozenset({"postgresql", "postgres"})

NATS_SHAPE = "should look like nats://host:4222, several with commas in between"
POSTGRES_SHAPE = (
    "should look like postgresql://user:password@host:5432/database, "
    "with other characters than letters and digits in user and password percent-encoded"
)


def listening(address: str) -> str:
    """The same "host:port", both of which can be. Raises ValueError, as all of these do."""
    found = HOST_AND_PORT.fullmatch(address)
    if found is None:
        raise ValueError("should look like host:port")
    if int(found[2]) > MAX_PORT:
        raise ValueError(f"should have a port of {MAX_PORT} at most")
    return address


def name_server(address: str) -> str:
    """The same "host:port" of a name server, whose host is an IP address; an empty text for the machine's own."""
    if address:
        try:
            ip_address(listening(address).rpartition(":")[0].strip("[]"))
        except ValueError:
            raise ValueError("should look like 192.0.2.53:53, with an IP address") from None
    return address


def provider(url: str) -> str:
    """The same address of an OpenID provider: https, or http on this machine; an empty text for none."""
    if not url:
        return url
    host = _host(url)
    scheme = urlsplit(url).scheme if host else ""
    if scheme != "https" and not (scheme == "http" and host in LOCAL_HOSTS):
        raise ValueError("should look like https://login.example.com, as the provider names itself")
    return url


def trusted(address: str) -> str:
    """The same IP address in its usual form; "*" stands for any, an empty text for none."""
    if address in {"", "*"}:
        return address
    try:
        return str(ip_address(address))
    except ValueError:
        raise ValueError("should be an IP address, or * for whoever connects") from None


def nats_url(url: str) -> str:
    """The same URL of one NATS server, or of several with commas in between, all reached in the same way."""
    servers = [server.strip() for server in url.split(",")]
    if not all(_host(server) for server in servers):
        raise ValueError(NATS_SHAPE)
    schemes = {urlsplit(server).scheme for server in servers}
    if not schemes <= NATS_SCHEMES | WEBSOCKET_SCHEMES:
        raise ValueError(NATS_SHAPE)
    if schemes & NATS_SCHEMES and schemes & WEBSOCKET_SCHEMES:
        raise ValueError("should not have servers with nats:// or tls:// beside servers with ws:// or wss://")
    return url


def postgres_url(url: str) -> str:
    """The same URL of a database; its hosts (several with commas in between) may be in `host=`, as a socket's is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(POSTGRES_SHAPE) from None
    hosts = parts.netloc.rpartition("@")[2]
    is_placed = all(_host(f"//{host}") for host in hosts.split(",")) if hosts else "host" in parse_qs(parts.query)
    if parts.scheme not in POSTGRES_SCHEMES or not is_placed:
        raise ValueError(POSTGRES_SHAPE)
    return url


def nats_servers(url: str) -> str:
    """Where the servers of a NATS URL are, for people: "host:port", several with commas in between."""
    return ", ".join(_place(server.strip()) for server in url.split(","))


def _place(server: str) -> str:
    parts = urlsplit(server)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or NATS_PORT}"


def _host(url: str) -> str:
    """The host that the URL names; empty where it names none, or a port that cannot be."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError
    except ValueError:
        return ""
    return parts.hostname or ""
