"""An IMAP server that says what a test tells it to: for the misbehaviour that no real server can be asked for."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG_UP = b"(hang up)"
SILENCE = b""

Step = bytes
Answer = Step | Sequence[Step] | Callable[[str], Step | Sequence[Step]]
"""What is sent to a command; "{tag}" stands for its tag. Between two steps the server reads a line from the client.
A function is given the command, without its tag.
"""

_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
_DONE = b"{tag} OK done\r\n"
SELECTED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n{tag} OK [READ-WRITE] opened\r\n"


@dataclass
class ScriptedImap:
    """`answers` by command, such as "UID FETCH"; what is not in it is answered with OK. `received` is without tags."""

    port: int
    answers: Mapping[str, Answer]
    received: list[str] = field(default_factory=list)

    def commands(self) -> list[str]:
        """The names of the commands that came, in order."""
        return [_name(line) for line in self.received]


@asynccontextmanager
async def scripted_imap(
    answers: Mapping[str, Answer] | None = None,
    *,
    capabilities: str = "IMAP4rev1",
    greeting: bytes = b"* OK ready\r\n",
) -> AsyncIterator[ScriptedImap]:
    """A server on a free loopback port, for as many connections as come."""
    told = {
        "CAPABILITY": f"* CAPABILITY {capabilities}\r\n{{tag}} OK done\r\n".encode(),
        "SELECT": SELECTED,
        "LOGOUT": b"* BYE bye\r\n{tag} OK done\r\n",
        **(answers or {}),
    }
    script = ScriptedImap(0, told)
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections[task] = writer
        try:
            writer.write(greeting.replace(HANG_UP, b""))
            while not greeting.endswith(HANG_UP) and await _serve_command(script, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for writer in connections.values():
            writer.transport.abort()
        await asyncio.gather(*connections)


async def _serve_command(script: ScriptedImap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    line = await _read_command(reader, writer)
    if not line:
        return False
    tag, _, command = line.partition(b" ")
    script.received.append(command.decode())
    answer = script.answers.get(_name(script.received[-1]), _DONE)
    if callable(answer):
        answer = answer(script.received[-1])
    steps = [answer] if isinstance(answer, bytes) else list(answer)
    for number, step in enumerate(steps):
        if number:
            script.received.append((await reader.readuntil(b"\r\n")).rstrip(b"\r\n").decode())
        writer.write(step.replace(HANG_UP, b"").replace(b"{tag}", tag))
        await writer.drain()
        if step.endswith(HANG_UP):
            return False
    return True


async def _read_command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    line = await reader.readline()
    while (announced := _LITERAL.search(line)) is not None:
        writer.write(b"+ go on\r\n")
        line = line[:-2] + await reader.readexactly(int(announced[1])) + await reader.readline()
    return line.rstrip(b"\r\n")


def _name(command: str) -> str:
    words = command.split(" ")
    return " ".join(words[: 2 if words[0] == "UID" else 1])
