"""Bodies of requests, read while they come, and only as long as they come."""

import asyncio
from io import BytesIO
from typing import IO

from aiohttp import ClientError, web
from aiohttp.web import BaseRequest

from config_api.http.bounds import Bounds

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooSlow(Exception):
    """The body came too slowly, or not to its end."""


class BodyWanted(BaseException):
    """The application has looked at the request and wants its body. No fault: handlers of exceptions let it pass."""


class Unread:
    """Stands for a large body until the application wants it: what is refused for its head is never read."""

    def read(self, _size: int = -1) -> bytes:
        """Raises BodyWanted, as all of these do."""
        raise BodyWanted

    def readable(self) -> bool:
        """Whether it is there to be read: that is asked by who is about to."""
        raise BodyWanted

    def readline(self, _size: int = -1) -> bytes:
        """A line."""
        raise BodyWanted

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """To a place in it."""
        raise BodyWanted

    def readinto(self, _buffer: bytearray) -> int:
        """Into a buffer."""
        raise BodyWanted


async def read_small(request: BaseRequest, bounds: Bounds) -> IO[bytes]:
    """The body in memory. Raises TooSlow."""
    body = BytesIO()
    if request.can_read_body:
        await spool(request, body, bounds)
    return body


async def spool(request: BaseRequest, body: IO[bytes], bounds: Bounds) -> None:
    """Writes the request's body into the file and rewinds it. Raises TooSlow."""
    _go_on(request)
    loop = asyncio.get_running_loop()
    began = loop.time()
    received = 0
    while not request.content.at_eof():
        try:
            async with asyncio.timeout_at(began + bounds.body_deadline + received / bounds.slow_rate):
                piece = await request.content.read(bounds.piece)
        except (TimeoutError, ClientError, ConnectionError, web.RequestPayloadError) as error:
            raise TooSlow from error
        received += len(piece)
        body.write(piece)
    body.seek(0)


def _go_on(request: BaseRequest) -> None:
    """Tells a client that asked first that its body is welcome (RFC 9110, section 10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(CONTINUE)
