"""Loopback ports: a free one, and what a server says first on one."""

import socket

from dmarq.embedded.errors import AddressTaken

LOOPBACK = "127.0.0.1"
GREETING_TIMEOUT_S = 1.0
GREETING_BYTES = 512


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def ensure_free(address: str) -> None:
    """Returns when "host:port" can be listened on. Raises AddressTaken, whose text says what to do."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]") or LOOPBACK, int(port)))
        except OSError as error:
            raise AddressTaken(address, error.strerror or str(error)) from None


def greets_with(prefix: bytes, *, port: int) -> bool:
    """Whether a server on the loopback port starts its greeting with `prefix`."""
    try:
        with socket.create_connection((LOOPBACK, port), GREETING_TIMEOUT_S) as connection:
            return connection.recv(GREETING_BYTES).startswith(prefix)
    except OSError:
        return False
