"""Mail servers that send more than a client should take: each answer is a stream, as long as somebody reads it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import chain, repeat

KIB, MIB = 2**10, 2**20
DRIP_S = 0.2
Stream = Callable[[], Iterable[bytes]]
"""Gives the pieces of an answer; "{tag}" in one stands for the command's tag."""

_SELECTED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n{tag} OK [READ-WRITE] opened\r\n"
_TAME: dict[str, Stream] = {
    "CAPABILITY": lambda: [b"* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n"],
    "LIST": lambda: [b'* LIST () "/" INBOX\r\n{tag} OK done\r\n'],
    "STATUS": lambda: [b"* STATUS INBOX (MESSAGES 3 UNSEEN 3 UIDVALIDITY 7 UIDNEXT 4)\r\n{tag} OK done\r\n"],
    "SELECT": lambda: [_SELECTED],
    "UID SEARCH": lambda: [b"* SEARCH 1 2 3\r\n{tag} OK done\r\n"],
    "META": lambda: [b"* 1 FETCH (UID 1 RFC822.SIZE 1000 FLAGS ())\r\n{tag} OK done\r\n"],
    "BODY": lambda: [b"* 1 FETCH (UID 1 BODY[]<0> {5}\r\nwords)\r\n{tag} OK done\r\n"],
    "IDLE": lambda: [b"+ idling\r\n"],
    "DONE": list,
    "GREETING": lambda: [b"* OK ready\r\n"],
}


def again(piece: bytes, total: int = 400 * MIB, *, first: bytes = b"", last: bytes = b"") -> Stream:
    """`first`, then `piece` until about `total` bytes were sent, then `last`."""
    block = piece * max(1, 64 * KIB // len(piece))

    def stream() -> Iterator[bytes]:
        yield first
        yield from repeat(block, max(1, total // len(block)))
        yield last

    return stream


class Drip(bytes):
    """A piece that comes after a pause."""


def slowly(piece: bytes, *, first: bytes) -> Stream:
    """`first`, then `piece` again and again, with a pause before each."""
    return lambda: chain([first], repeat(Drip(piece)))


ATTACKS: dict[str, dict[str, Stream]] = {
    "a greeting without an end": {"GREETING": again(b"* OK hello ")},
    "a greeting of blank lines, then of words": {"GREETING": again(b"hello\r\n")},
    "a tagged text without an end": {"CAPABILITY": again(b"x", first=b"{tag} OK ")},
    "a tagged text of open brackets": {"LOGIN": again(b"[ ", 60 * KIB, first=b"{tag} NO [", last=b"\r\n")},
    "capabilities without an end": {"CAPABILITY": again(b"* CAPABILITY A1 B2 C3 D4\r\n")},
    "one line of capabilities": {"CAPABILITY": again(b"A1 B2 C3 ", first=b"* CAPABILITY ")},
    "challenges without an end": {"LOGIN": again(b"+ \r\n")},
    "25 literals of 100 MB in one answer": {
        "META": again(b"x", 100 * MIB, first=b"* 1 FETCH (UID 1 A {104857600}\r\n", last=b" B {104857600}\r\n")
    },
    "literals of 100 MB in a LIST": {"LIST": again(b"x", first=b'* LIST () "/" {104857600}\r\n')},
    "a thousand literals in one answer": {"META": again(b" A {9}\r\n123456789", first=b"* 1 FETCH (UID 1")},
    "empty literals without an end": {"LIST": again(b" {0}\r\n", first=b"* LIST ()")},
    "a quote of 15 MB that is not closed": {
        "LIST": again(b"x", 15 * MIB, first=b'* LIST () "/" "', last=b"\r\n{tag} OK done\r\n")
    },
    "backslashes in a quote that is not closed": {"LIST": again(b"\\", 15 * MIB, first=b'* LIST () "', last=b"\r\n")},
    "lines of 15 MB": {"LIST": again(b"x" * 15 * MIB + b"\r\n")},
    "a million folders": {"LIST": again(b'* LIST () "/" "folder of mine"\r\n', last=b"{tag} OK done\r\n")},
    "20,000 folders of 60 attributes each": {
        "LIST": again(b"* LIST (" + b"\\a " * 60 + b') "/" x\r\n', 4 * MIB, last=b"{tag} OK done\r\n")
    },
    "ampersands in names of folders": {
        "LIST": again(b"&", 60 * KIB, first=b'* LIST () "/" "', last=b'"\r\n{tag} OK\r\n')
    },
    "STATUS of parentheses": {"STATUS": again(b"(", 60 * KIB, first=b"* STATUS x ", last=b"\r\n{tag} OK done\r\n")},
    "STATUS answers without an end": {"STATUS": again(b"* STATUS x (MESSAGES 1)\r\n")},
    "SELECT answers without an end": {"SELECT": again(b"* OK [UIDVALIDITY 7] ok\r\n")},
    "a SEARCH line without an end": {"UID SEARCH": again(b"4294967295 ", first=b"* SEARCH ")},
    "a SEARCH line of half a million mails": {
        "UID SEARCH": lambda: [
            b"* SEARCH ",
            b" ".join(b"%d" % n for n in range(10**6, 10**6 + 499_999)),
            b"\r\n{tag} OK done\r\n",
        ]
    },
    "a SEARCH line of the same mail": {
        "UID SEARCH": again(b"7 ", 5 * MIB - KIB, first=b"* SEARCH ", last=b"\r\n{tag} OK\r\n")
    },
    "SEARCH lines of 4 MB": {"UID SEARCH": again(b"* SEARCH " + b"1 " * 2 * MIB + b"\r\n")},
    "a set of four thousand million mails": {"UID SEARCH": lambda: [b"* ESEARCH UID ALL 1:4294967295\r\n{tag} OK\r\n"]},
    "sets of small ranges": {
        "UID SEARCH": again(b"1,", 5 * MIB - KIB, first=b"* ESEARCH UID ALL ", last=b"1\r\n{tag} OK\r\n")
    },
    "mails' data of short words": {
        "META": again(b"* 1 FETCH (UID 1 FLAGS (" + b"a " * 30_000 + b"))\r\n", 9 * MIB, last=b"{tag} OK done\r\n")
    },
    "mails' data of small lists": {
        "META": again(b"* 1 FETCH (UID 1 " + b"()" * 30_000 + b")\r\n", 9 * MIB, last=b"{tag} OK done\r\n")
    },
    "mails' data without an end": {"META": again(b"* 1 FETCH (UID 1 FLAGS ())\r\n")},
    "a mail larger than asked for": {"BODY": again(b"x", first=b"* 1 FETCH (UID 1 BODY[]<0> {90000000}\r\n")},
    "mails without an end": {"BODY": again(b"* 1 FETCH (UID 1 BODY[]<0> {1048576}\r\n" + b"x" * MIB + b")\r\n")},
    "a mail at the limit": {
        "BODY": again(
            b"x", 25 * MIB, first=b"* 1 FETCH (UID 1 BODY[]<0> {26214400}\r\n", last=b")\r\n{tag} OK done\r\n"
        )
    },
    "news that nobody asked for": {"STATUS": again(b"* 1 EXISTS\r\n")},
    "news in IDLE": {"IDLE": again(b"* 1 RECENT\r\n", first=b"+ idling\r\n")},
    "blank lines": {"STATUS": again(b"\r\n")},
    "lines that are no answers": {"STATUS": again(b"[COPYUID 7 1 1]\r\n")},
}


SLOW_ATTACKS: dict[str, dict[str, Stream]] = {
    "an email byte by byte": {"BODY": slowly(b"x", first=b"* 1 FETCH (UID 1 BODY[]<0> {1000}\r\n")},
    "a line byte by byte": {"META": slowly(b"a", first=b"* 1 FETCH (UID 1 FLAGS (")},
    "an announcement byte by byte": {"UID SEARCH": slowly(b"7 ", first=b"* SEARCH ")},
}
"""They would never end by themselves; a piece comes far more often than the longest silence that is allowed."""


@asynccontextmanager
async def hostile_imap(streams: Mapping[str, Stream]) -> AsyncIterator[int]:
    """A server on a free loopback port, which is given, for as many connections as come."""
    told = {**_TAME, **streams}
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await _send(writer, told["GREETING"], b"")
            while line := await reader.readline():
                tag, _, command = line.rstrip().partition(b" ")
                await _send(writer, told.get(_name(command or tag), lambda: [b"{tag} OK done\r\n"]), tag)
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            serving.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _send(writer: asyncio.StreamWriter, stream: Stream, tag: bytes) -> None:
    for piece in stream():
        await asyncio.sleep(DRIP_S if isinstance(piece, Drip) else 0)
        writer.write(piece.replace(b"{tag}", tag))
        await writer.drain()


def _name(command: bytes) -> str:
    if command.startswith(b"UID FETCH"):
        return "BODY" if re.search(rb"PEEK\[\]", command) else "META"
    words = command.decode("latin-1").split(" ")
    return " ".join(words[: 2 if words[0] == "UID" else 1])
