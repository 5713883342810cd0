"""The WSGI application behind an asyncio server: threads run views, and nothing else.

What can be slow because of the other side (a body on its way, an answer that is read slowly, a live view) waits on the
event loop, where waiting costs no thread.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any, TypeAlias, cast

import structlog
from aiohttp.web import BaseRequest, RequestHandler, Response, ServerRunner, StreamResponse, TCPSite
from multidict import CIMultiDict
from werkzeug.middleware.proxy_fix import ProxyFix

from config_api.http.bodies import BodyWanted, TooSlow, Unread, read_small, spool
from config_api.http.bounds import Bounds
from config_api.http.connections import Connections
from config_api.http.environ import environ_of
from config_api.web import problem
from config_api.web.problem import ProblemBody

log = structlog.get_logger(__name__)

Application: TypeAlias = Callable[[dict[str, Any], Any], Iterable[bytes]]
ALIVE = "/healthz"
BACKLOG = 512
SERVER = {"Server": "dmarq"}


@dataclass(slots=True)
class _Answer:
    """What the application began its answer with, and the rest of it. Used as its `start_response`."""

    status: int = 500
    fields: list[tuple[str, str]] = field(default_factory=list)
    pieces: Any = ()

    def __call__(self, status: str, fields: list[tuple[str, str]], _exc_info: Any = None) -> None:
        self.status, self.fields = int(status.split(" ", 1)[0]), list(fields)


class Gateway:
    """Answers requests with a WSGI application, within bounds.

    An iterable of pieces that is an asynchronous one too is sent as that, without a thread.
    """

    def __init__(self, app: Application, *, trusted_proxy: str = "", bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.trusted_proxy = trusted_proxy
        self._app = app
        self._behind_proxy = cast(Application, ProxyFix(cast(Any, app), x_for=1, x_proto=1))
        self._threads = ThreadPoolExecutor(self.bounds.threads, thread_name_prefix="request")
        self._uploads = asyncio.Semaphore(self.bounds.uploads)
        self._busy: set[RequestHandler] = set()

    def is_busy(self, connection: RequestHandler) -> bool:
        """Whether the application is at work for it, or its answer is being sent."""
        return connection in self._busy

    async def answer(self, request: BaseRequest) -> StreamResponse:
        """The answer, sent as far as the application gave one."""
        try:
            return await self._answered(request)
        except Exception:  # a fault of the edge's own: the application answers for its own
            log.exception("request_failed", path=request.path)
            return _refusal(500, "This should not have happened", "The log of config-api says what went wrong.")

    async def _answered(self, request: BaseRequest) -> StreamResponse:
        if request.raw_path == ALIVE and request.method == "GET":  # even when all threads are taken
            return Response(text='{"status":"ok"}', content_type="application/json", headers=SERVER)
        if "Transfer-Encoding" in request.headers:
            return _refusal(411, "Length required", "Send the body with its Content-Length.")
        try:
            environ = environ_of(request)
        except ValueError:
            return _refusal(400, "Bad request", "The target of the request is not an address of this server.")
        try:
            if (request.content_length or 0) <= self.bounds.small_body:
                return await self._served(request, environ, await read_small(request, self.bounds))
            return await self._served_with_upload(request, environ)
        except TooSlow:
            return _refusal(408, "Too slow", "The request did not come to its end in time.")

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _served_with_upload(self, request: BaseRequest, environ: dict[str, Any]) -> StreamResponse:
        """The application sees the head first; the body is read only when it asks for it."""
        try:
            return await self._served(request, environ, Unread())
        except BodyWanted:
            pass
        try:
            async with asyncio.timeout(self.bounds.upload_wait):
                await self._uploads.acquire()
        except TimeoutError:
            return _refusal(503, "Busy", "Too many files are being uploaded just now. Try again soon.", retry_after=5)
        try:
            with TemporaryFile() as body:
                await spool(request, body, self.bounds)
                return await self._served(request, environ, body)
        finally:
            self._uploads.release()

    async def _served(self, request: BaseRequest, environ: dict[str, Any], body: Any) -> StreamResponse:
        is_trusted = self.trusted_proxy in {"*", environ["REMOTE_ADDR"]}
        app = self._behind_proxy if is_trusted else self._app
        context = copy_context()
        answer = _Answer()
        self._busy.add(request.protocol)
        try:
            await self._in_thread(context, _begin, app, {**environ, "wsgi.input": body}, answer)
            return await self._sent(request, answer, context)
        finally:
            self._busy.discard(request.protocol)
            await self._closed(answer, context)

    async def _sent(self, request: BaseRequest, answer: _Answer, context: Context) -> StreamResponse:
        response = StreamResponse(status=answer.status, headers=CIMultiDict([*SERVER.items(), *answer.fields]))
        pieces = answer.pieces
        try:
            async with asyncio.timeout(self.bounds.write_deadline):
                await response.prepare(request)
            is_live = hasattr(pieces, "__aiter__")
            made: AsyncGenerator[bytes] = aiter(pieces) if is_live else self._made(iter(pieces), context)
            async with aclosing(made):
                async for piece in made:
                    await self._write(response, piece)
            async with asyncio.timeout(self.bounds.write_deadline):
                await response.write_eof()
        except (TimeoutError, ConnectionError):  # nobody reads the answer
            _broken_off(request)
        except Exception:  # whatever an application raises midway; the client sees that the answer is not whole
            log.exception("answer_broken_off", path=request.path)
            _broken_off(request)
        return response

    async def _closed(self, answer: _Answer, context: Context) -> None:
        """What the answer holds (an open file, perhaps) is let go, also when the client has gone: never taken back."""
        if hasattr(answer.pieces, "close"):
            await asyncio.shield(asyncio.wrap_future(self._threads.submit(context.run, answer.pieces.close)))

    async def _made(self, pieces: Iterator[bytes], context: Context) -> AsyncGenerator[bytes]:
        """Pieces of an answer, each made in a thread when the one before it has left."""
        while (piece := await self._in_thread(context, next, pieces, None)) is not None:
            yield piece

    async def _write(self, response: StreamResponse, piece: bytes) -> None:
        for start in range(0, len(piece), self.bounds.piece):
            async with asyncio.timeout(self.bounds.write_deadline):
                await response.write(piece[start : start + self.bounds.piece])

    async def _in_thread(self, context: Context, work: Callable[..., Any], *arguments: Any) -> Any:
        """A client that goes away takes back what has not begun; what has begun is waited for."""
        future = self._threads.submit(context.run, work, *arguments)
        done = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            if not future.cancel():
                await asyncio.wait([done])
            raise


@asynccontextmanager
async def listening(gateway: Gateway, address: str) -> AsyncIterator[None]:
    """Serves on "host:port" while the context lasts; requests in hand end first. Raises OSError."""
    host, _, port = address.rpartition(":")
    connections = Connections(
        cast(Any, gateway.answer), is_busy=gateway.is_busy, trusted_proxy=gateway.trusted_proxy, bounds=gateway.bounds
    )
    runner = ServerRunner(connections, handle_signals=False, shutdown_timeout=10.0)
    await runner.setup()
    try:
        await TCPSite(runner, host.strip("[]") or None, int(port), backlog=BACKLOG).start()
        yield
    finally:
        await runner.cleanup()
        gateway.close()


def _broken_off(request: BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _begin(app: Application, environ: dict[str, Any], answer: _Answer) -> None:
    """Calls the application; an answer whose length is known is made to its end."""
    answer.pieces = pieces = app(environ, answer)
    if hasattr(pieces, "__aiter__") or not any(name.lower() == "content-length" for name, _ in answer.fields):
        return
    try:
        answer.pieces = [b"".join(pieces)]
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


def _refusal(status: int, title: str, detail: str, *, retry_after: int | None = None) -> Response:
    """A problem that ends the connection: what follows on it cannot be told apart from the body."""
    fields = {**SERVER, "Connection": "close"}
    if retry_after is not None:
        fields["Retry-After"] = str(retry_after)
    text = ProblemBody(title=title, status=status, detail=detail).model_dump_json()
    response = Response(text=text, status=status, content_type=problem.MEDIA_TYPE, headers=fields)
    response.force_close()
    return response
