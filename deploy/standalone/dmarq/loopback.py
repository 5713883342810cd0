"""What the supervisor asks its services, by HTTP on this machine.

With the standard library, for it is a process that stays: a client of httpx reads the certificates of all public CAs.
"""

import json
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from dmarq.embedded.errors import EmbeddedError
from dmarq.embedded.programs import LOOPBACK

READY_TIMEOUT_S = 2.0
LINK_TIMEOUT_S = 60.0


def is_ready(address: str) -> bool:
    """Whether the service at "host:port" says that it is ready."""
    try:
        with _connection(address, timeout_s=READY_TIMEOUT_S) as connection:
            connection.request("GET", "/readyz")
            return bool(connection.getresponse().status == HTTPStatus.OK)
    except (OSError, HTTPException):
        return False


def sign_in_link(address: str, token: str) -> str:
    """A link that signs in a browser, once, made by the config-api at "host:port". Raises EmbeddedError, OSError."""
    headers = {"Authorization": f"Bearer {token}"}
    with _connection(address, timeout_s=LINK_TIMEOUT_S) as connection:
        connection.request("POST", "/api/v1/sign-in-links", headers=headers)
        answer = connection.getresponse()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise EmbeddedError(f"config-api gave no link to sign in: {answer.status} {answer.reason}")
        return str(json.load(answer)["url"])


def _connection(address: str, *, timeout_s: float) -> "closing[HTTPConnection]":
    host, _, port = address.rpartition(":")
    return closing(HTTPConnection(host.strip("[]") or LOOPBACK, int(port), timeout=timeout_s))
