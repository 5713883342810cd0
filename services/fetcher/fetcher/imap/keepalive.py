"""TCP's own watch over a quiet connection: a peer that is gone is noticed within a minute."""

import socket

QUIET_S = 20  # before the first probe
PROBE_EVERY_S = 10
PROBES = 3
UNANSWERED_MS = 50_000  # after which data that nobody confirms ends the connection

# Not every system has every one of them.
_OPTIONS = (
    ("TCP_KEEPIDLE", QUIET_S),
    ("TCP_KEEPINTVL", PROBE_EVERY_S),
    ("TCP_KEEPCNT", PROBES),
    ("TCP_USER_TIMEOUT", UNANSWERED_MS),
)


def keep_alive(connected: socket.socket) -> None:
    """Switches the watch on."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)
