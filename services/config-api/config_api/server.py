"""The process: waitress in the main thread, the loop in another, an orderly end at SIGTERM."""

import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

import structlog
from waitress.server import create_server

from config_api.app import create_app
from config_api.backend import Backend
from config_api.links import Links
from pipeline.errors import described, leaves

log = structlog.get_logger(__name__)

THREADS = 32  # half of them may be held by live views
BACKLOG_CONNECTIONS = 500
PROXY_HEADERS = frozenset({"x-forwarded-for", "x-forwarded-proto"})
BODY_ROOM = 1024 * 1024  # bytes over the largest mail; the application has bounds of its own for each route


def serve(backend: Backend) -> BaseException | None:
    """Serves until SIGTERM or SIGINT; gives what ended the background tasks, if that ended the process.

    Raises OSError when the address cannot be listened on.
    """
    links = Links(backend)
    # Only with a lookahead does waitress notice that the browser of a live view is gone.
    server = create_server(
        create_app(backend),
        listen=backend.settings.http_address,
        threads=THREADS,
        connection_limit=BACKLOG_CONNECTIONS,
        max_request_body_size=backend.settings.limits.max_mail_bytes + BODY_ROOM,
        ident="",
        clear_untrusted_proxy_headers=True,
        **_trust(backend.settings.trusted_proxy),
        channel_request_lookahead=1,
    )
    try:
        with suppress(SystemExit):  # of a signal that comes before the server, which takes it for its end, runs
            _stop_at_signals(backend)
            links.start()
            threading.Thread(target=_watch, args=(backend, links), name="watch", daemon=True).start()
            log.info("started", address=backend.settings.http_address)
            server.run()
    finally:
        server.close()
        links.stop()
        log.info("stopped")
    return links.failure


def _trust(proxy: str) -> dict[str, Any]:
    """What the proxy says of the client's address and protocol is believed; of anybody else it is dropped."""
    return {"trusted_proxy": proxy, "trusted_proxy_headers": PROXY_HEADERS} if proxy else {}


def _stop_at_signals(backend: Backend) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        log.info("stopping")
        backend.feed.close()  # or the live views would hold up the server, which ends the requests in hand first
        raise SystemExit

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _watch(backend: Backend, links: Links) -> None:
    """A failure that no waiting mends (a schema of another version) ends the process."""
    failure = backend.loop.call(links.failed(), timeout=threading.TIMEOUT_MAX)
    if failure is not None:
        log.error("failed", errors=[described(cause) for cause in leaves(failure)])
        signal.raise_signal(signal.SIGTERM)
