"""A TCP proxy that breaks connections on purpose, to stand between a client and a real server.

    async with FaultyProxy(port=server_port) as proxy:
        client connects to 127.0.0.1:proxy.port
        proxy.cut()

It starts as an honest proxy. `cut`, `hang`, `abandon`, `refuse` and `slow` are the ways in which a network fails.
An inspector sees what passes, and may change it.
"""

import asyncio
from contextlib import suppress
from typing import Protocol, Self

CHUNK_BYTES = 64 * 1024
SLOW_CHUNKS_PER_S = 20


class Inspector(Protocol):
    """Looks at each chunk of bytes, as the network cut it."""

    def passing(self, data: bytes, *, to_server: bool) -> tuple[bytes, bytes]:
        """What goes on in the chunk's place, and what is sent back to its sender."""

    def passed(self, data: bytes, *, to_server: bool) -> None:
        """The chunk is with the kernel; nothing else has passed since."""


class FaultyProxy:
    """Forwards every connection on `port` (loopback, free) to the target, until told otherwise."""

    def __init__(self, *, port: int, host: str = "127.0.0.1", inspector: Inspector | None = None) -> None:
        self._target = (host, port)
        self._inspector = inspector
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = _flow()
        self._abandoned: list[asyncio.Event] = []
        self._refusing = False
        self._bytes_per_s: int | None = None
        self._server: asyncio.Server | None = None
        self.accepted = 0  # connections so far, refused ones included
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.repair()
        self.cut()
        for flow in self._abandoned:
            flow.set()
        while self._writers:  # noqa: ASYNC110 (each pump takes its writer out when it ends)
            await asyncio.sleep(0.001)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset all open connections. New ones are still taken."""
        for writer in self._writers:
            writer.transport.abort()

    def hang(self) -> None:
        """Keep all connections open, old and new, and let nothing through: the other side is half-open."""
        self._flowing.clear()

    def abandon(self) -> None:
        """Let nothing through on the open connections any more, ever, as if the peer's machine had lost its power.

        New ones are honest.
        """
        self._flowing.clear()
        self._abandoned.append(self._flowing)
        self._flowing = _flow()

    def refuse(self) -> None:
        """Reset all open connections, and every new one at once."""
        self._refusing = True
        self.cut()

    def slow(self, *, bytes_per_s: int) -> None:
        """Let bytes through at this rate, in each direction of each connection."""
        self._bytes_per_s = bytes_per_s

    def repair(self) -> None:
        """Be honest again. What was held back while hanging now goes through."""
        self._refusing = False
        self._bytes_per_s = None
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(reader, upstream_writer, back=writer, to_server=True))
            pumps.create_task(self._pump(upstream_reader, writer, back=upstream_writer, to_server=False))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: asyncio.StreamWriter, to_server: bool
    ) -> None:
        self._writers.add(writer)
        flowing = self._flowing
        try:
            with suppress(ConnectionError):
                while chunk := await reader.read(self._chunk_bytes()):
                    await self._hold_back(chunk)
                    await flowing.wait()
                    if writer.is_closing():
                        return
                    self._pass(chunk, writer, back=back, to_server=to_server)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()

    def _pass(self, chunk: bytes, writer: asyncio.StreamWriter, *, back: asyncio.StreamWriter, to_server: bool) -> None:
        if self._inspector is None:
            writer.write(chunk)
            return
        onward, answer = self._inspector.passing(chunk, to_server=to_server)
        if answer:
            back.write(answer)
        if onward:
            writer.write(onward)
            self._inspector.passed(onward, to_server=to_server)

    def _chunk_bytes(self) -> int:
        return CHUNK_BYTES if self._bytes_per_s is None else max(1, self._bytes_per_s // SLOW_CHUNKS_PER_S)

    async def _hold_back(self, chunk: bytes) -> None:
        if self._bytes_per_s is not None:
            await asyncio.sleep(len(chunk) / self._bytes_per_s)


def _flow() -> asyncio.Event:
    """What the pumps of some connections wait for; they flow."""
    flowing = asyncio.Event()
    flowing.set()
    return flowing
