"""A request as a WSGI application wants it (PEP 3333)."""

import sys
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from aiohttp.web import BaseRequest

OWN = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


def environ_of(request: BaseRequest) -> dict[str, Any]:
    """The environ, but for its body. Raises ValueError for a target that is no path and no address of a server's."""
    path, query = _target(request.raw_path)
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    host, _, port = (request.host or "localhost").rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": request.raw_path,
        "REMOTE_ADDR": str(peer[0]) if peer else "",
        "SERVER_NAME": host or port,
        "SERVER_PORT": port if host and port.isdecimal() else "80",
        "SERVER_PROTOCOL": f"HTTP/{request.version.major}.{request.version.minor}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ.update(_fields(request))
    return environ


def _fields(request: BaseRequest) -> dict[str, str]:
    """The header's fields by their names in an environ. A name with "_" could be taken for another, and is left out."""
    fields: dict[str, str] = {}
    for name, value in request.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in OWN else f"HTTP_{key}"
        text = value.encode("utf-8", "surrogateescape").decode("latin-1")
        between = "; " if key == "HTTP_COOKIE" else ","
        fields[key] = f"{fields[key]}{between}{text}" if key in fields else text
    return fields


def _target(raw: str) -> tuple[str, str]:
    """Path and query as they were sent, without a fragment."""
    if not raw.startswith("/"):
        parts = urlsplit(raw)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("not a path")
        raw = f"{parts.path or '/'}?{parts.query}"
    path, _, query = raw.partition("#")[0].partition("?")
    encoded = query.encode("utf-8", "surrogateescape").decode("latin-1")
    return path.encode("utf-8", "surrogateescape").decode("latin-1"), encoded
