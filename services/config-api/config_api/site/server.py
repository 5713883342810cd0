"""The process: the edge on the main thread's loop, the links on another, an orderly end at SIGTERM."""

import asyncio
import signal
import threading

import structlog
import uvloop

from config_api.backend import Backend
from config_api.http.gateway import Gateway, listening
from config_api.site.app import create_app
from config_api.site.links import Links
from pipeline.errors import described, leaves

log = structlog.get_logger(__name__)


def serve(backend: Backend) -> BaseException | None:
    """Serves until SIGTERM or SIGINT; gives what ended the background tasks, if that ended the process.

    Raises OSError when the address cannot be listened on.
    """
    links = Links(backend)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(backend, links))
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        links.stop()
        log.info("stopped")
    return links.failure


async def _serve(backend: Backend, links: Links) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    gateway = Gateway(create_app(backend), trusted_proxy=backend.settings.trusted_proxy)
    async with listening(gateway, backend.settings.http_address):
        links.start()
        threading.Thread(target=_watch, args=(backend, links), name="watch", daemon=True).start()
        log.info("started", address=backend.settings.http_address)
        await stopping.wait()
        log.info("stopping")
        backend.feed.close()  # or the live views would hold up the end, which waits for the requests in hand


def _watch(backend: Backend, links: Links) -> None:
    """A failure that no waiting fixes (a schema of another version) ends the process."""
    failure = backend.loop.call(links.failed(), timeout=threading.TIMEOUT_MAX)
    if failure is not None:
        log.error("failed", errors=[described(cause) for cause in leaves(failure)])
        signal.raise_signal(signal.SIGTERM)
