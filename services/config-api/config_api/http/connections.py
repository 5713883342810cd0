"""Connections are bounded, altogether and by client: the one that has waited longest makes room for a new one."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from config_api.http.bounds import Bounds
from config_api.web.clients import client_of

HEAD_BYTES = 16 * 1024  # of the request line, and of one field
FIELDS = 100
_UNHEARD = logging.getLogger(f"{__name__}.protocol")  # of what is no HTTP: a line with a traceback for each stranger
_UNHEARD.setLevel(logging.CRITICAL)
LINGER = 2.0  # seconds that a body nobody wants is still read for, so that the answer is not lost


class Connections(Server):
    """The connections of one listener. `is_busy` tells which ones are being served: those are never closed for others.

    A connection without a request, or whose body is still on its way, gives way; so whoever holds many open, and sends
    a byte now and then, displaces their own. `trusted_proxy` ("*": whoever connects) stands for many clients and is
    bounded by the sum alone.
    """

    def __init__(
        self,
        answer: Callable[[BaseRequest], "asyncio.Future[StreamResponse]"],
        *,
        is_busy: Callable[[RequestHandler], bool],
        trusted_proxy: str,
        bounds: Bounds,
    ) -> None:
        super().__init__(
            answer,
            access_log=None,
            auto_decompress=False,
            handler_cancellation=True,
            logger=_UNHEARD,
            keepalive_timeout=bounds.header_deadline,
            lingering_time=LINGER,
            max_field_size=HEAD_BYTES,
            max_headers=FIELDS,
            max_line_size=HEAD_BYTES,
        )
        self._is_busy = is_busy
        self._trusted_proxy = trusted_proxy
        self._bounds = bounds
        self._open: dict[RequestHandler, tuple[str, asyncio.Transport]] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Takes a connection on, and makes room for it."""
        super().connection_made(handler, transport)
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        client = "" if self._trusted_proxy in {"*", address} else client_of(address)
        self._open[handler] = client, transport
        mine = [each for each, (owner, _) in self._open.items() if client and owner == client]
        if len(mine) > self._bounds.connections_per_client:
            self._make_room(mine)
        elif len(self._open) > self._bounds.connections:
            self._make_room(self._open)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """A connection is over."""
        super().connection_lost(handler, exc)
        self._open.pop(handler, None)

    def _make_room(self, among: Iterable[RequestHandler]) -> None:
        """The oldest that is not being served goes; where all the others are, that is the new one itself."""
        handler = next(each for each in among if not self._is_busy(each))
        _, transport = self._open.pop(handler)
        transport.abort()
