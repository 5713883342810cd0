"""Attacks by content: header values made to cost time or the stack, and poisoned mails among good ones."""

import asyncio
from collections.abc import Callable
from time import process_time

import asyncpg

from pipeline.postgres.migrate import migrate
from tests.attack import Row
from tests.attack.flood import Flood, flood
from tests.attack.junk import Left, junk, left_of
from tests.support.pure_parts import through_all_services
from tests.support.servers import fresh_database, running_nats, running_postgres

MAX_S = 1.0  # CPU seconds for one mail of 2 MB in all three services together
MAILS = 1000
JUNK, JUNK_BYTES = 200, 300_000
HEADERS: dict[str, Callable[[], bytes]] = {
    "From with 1,000 opening parentheses": lambda: b"From: " + b"(" * 1000 + b"a@b",
    "From with 490 pairs of parentheses": lambda: b"From: " + b"(" * 490 + b")" * 490 + b"a@b",
    "From with 2 MB of opening parentheses": lambda: b"From: " + b"(" * 2_000_000 + b"a@b",
    "Subject with 2 MB of encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 142_857,
    "Subject with 2 MB of words that do not end": lambda: b"Subject: " + b"=?utf-8?q?a" * 181_818,
    "Content-Type with 2 MB of parameters": lambda: b"Content-Type: multipart/mixed" + b'; a="' * 400_000,
}


async def run() -> list[Row]:
    """Tries all of them; takes about two minutes."""
    rows = [_header(name, make()) for name, make in HEADERS.items()]
    usual = await asyncio.to_thread(_flooded, poisoned=0)  # a thread, for servers are started outside of any loop
    mixed = await asyncio.to_thread(_flooded, poisoned=MAILS)
    usual_rate, rate = MAILS / usual.stored_s, MAILS / mixed.stored_s
    return [
        *rows,
        Row(
            f"{MAILS} mails that run into a bug among {MAILS} good ones, in random order",
            "all good ones stored at half the usual rate or more, each poisoned one ends, no breaker opens",
            f"{rate:.0f}/s (usually {usual_rate:.0f}/s), {mixed.failed} ended, {len(mixed.opened)} opened",
            rate >= usual_rate / 2 and mixed.stored == mixed.failed == MAILS and not mixed.opened,
        ),
        _of_junk(await asyncio.to_thread(_junked)),
    ]


def _of_junk(left: Left) -> Row:
    return Row(
        f"{JUNK} junk emails with attachments of {JUNK_BYTES // 1000} kB",
        "nothing is kept but a line each",
        f"{left.dead_letters} dead letters, {left.documents} documents, {left.stored_bytes} bytes in the store",
        left.outcomes == {"not_a_report": JUNK} and not (left.dead_letters or left.documents or left.stored_bytes),
    )


def _header(name: str, header: bytes) -> Row:
    before = process_time()
    through_all_services(header + b"\r\nDate: Tue, 01 Oct 2019 14:59:23 +0200\r\n\r\nwords\r\n")
    took = process_time() - before
    return Row(name, f"{MAX_S:g} s of CPU in all services", f"{took:.3f} s", took <= MAX_S)


def _flooded(*, poisoned: int) -> Flood:
    with running_nats() as nats_url, running_postgres() as server_url, fresh_database(server_url) as database_url:
        asyncio.run(_migrate(database_url))
        return asyncio.run(flood(nats_url, database_url, good=MAILS, poisoned=poisoned))


def _junked() -> Left:
    with running_nats() as nats_url, running_postgres() as server_url, fresh_database(server_url) as database_url:
        asyncio.run(_migrate(database_url))
        return asyncio.run(left_of(nats_url, database_url, junk(JUNK, size=JUNK_BYTES)))


async def _migrate(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
    finally:
        await connection.close()
