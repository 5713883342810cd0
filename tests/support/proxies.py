"""A real SOCKS or HTTP proxy on loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from tiny_proxy import HttpProxyHandler, Socks4ProxyHandler, Socks5ProxyHandler

from pipeline.contracts.mailbox import ProxyKind

_HANDLERS = {
    ProxyKind.SOCKS5: Socks5ProxyHandler,
    ProxyKind.SOCKS4: Socks4ProxyHandler,
    ProxyKind.HTTP: HttpProxyHandler,
}


@dataclass
class RunningProxy:
    """`used` counts the connections that came."""

    port: int
    used: int = 0


@asynccontextmanager
async def running_proxy(kind: ProxyKind, **credentials: str) -> AsyncIterator[RunningProxy]:
    """A proxy of this kind that asks for these credentials (username, password), if any."""
    logging.getLogger("tiny_proxy").setLevel(logging.CRITICAL)
    handler = _HANDLERS[kind](**credentials)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    proxy = RunningProxy(listener.extra(anyio.abc.SocketAttribute.local_port))

    async def serve(stream: anyio.abc.SocketStream) -> None:
        proxy.used += 1
        await handler.handle(stream)

    serving = asyncio.create_task(listener.serve(serve))
    try:
        yield proxy
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await listener.aclose()
