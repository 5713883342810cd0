"""Plain junk: emails without anything that looks like a report. What of them is kept, once they are through."""

import asyncio
import gzip
from dataclasses import dataclass
from random import Random

import asyncpg
from nats.aio.client import Client

from pipeline.contracts import topology
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.wire import Envelope, Parcel
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from pipeline.jetstream.lag import blob_store
from pipeline.runtime.judge import DEFAULT_POLICY
from pipeline.telemetry.health import Readiness
from tests.attack.flood import running_stages
from tests.support.archives import zip_of
from tests.support.extracted import FETCHED_AT, HANDLING, mail_ref
from tests.support.mails import part, text

TIMEOUT_S = 60.0
HEAD = (
    b"From: Lucky Winner <prize@spam.example>\r\nSubject: Your invoice\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n'
)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of junk: dead letters, bytes in the object store, documents; and how many emails ended how."""

    dead_letters: int
    stored_bytes: int
    documents: int
    outcomes: dict[str, int]


def junk(count: int, *, size: int) -> list[bytes]:
    """So many emails, each with an attachment of `size` bytes of a kind that junk has."""
    random = Random(1)
    noise = random.randbytes(size)
    kinds = (
        lambda: part(b"\xff\xd8\xff\xe0" + noise, "image/jpeg", name="winner.jpg"),
        lambda: part(b"%PDF-1.7\n" + noise, "application/pdf", name="invoice.pdf"),
        lambda: part(zip_of(("invoice.exe", b"MZ" + noise)), "application/zip", name="invoice.zip"),
        lambda: part(b"Rar!\x1a\x07\x00" + noise, "application/x-rar", name="invoice.rar"),
        lambda: part(b"7z\xbc\xaf\x27\x1c" + noise, name="invoice.7z"),
        lambda: part(gzip.compress(bytes(size * 100)), "application/gzip", name="invoice.gz"),
        lambda: part(b"<rss>" + noise.hex().encode() + b"</rss>", "text/xml", name="feed.xml"),
        lambda: part(b"buy now " * (size // 8), "text/plain", encoding=""),
    )
    return [_mail(kinds[number % len(kinds)](), number) for number in range(count)]


def _mail(attachment: bytes, number: int) -> bytes:
    parts = (text(f"You won prize {number}."), attachment)
    return HEAD + b"".join(b"--=_b\r\n" + one + b"\r\n" for one in parts) + b"--=_b--\r\n"


async def left_of(nats_url: str, database_url: str, mails: list[bytes]) -> Left:
    """Sends these emails through extractor and parser. The database has the schema."""
    async with connected(nats_url, name="junk", stopping=asyncio.Event(), on_change=lambda _: None) as client:
        assert client is not None
        return await _left(client, database_url, mails)


async def _left(client: Client, database_url: str, mails: list[bytes]) -> Left:
    bus = Bus(client)
    await bus.ensure()
    for uid, body in enumerate(mails, 1):
        event = MailFetched(mail=mail_ref(uid), handling=HANDLING, size=len(body), fetched_at=FETCHED_AT)
        await bus.publish([Envelope(event, (Parcel.of(body),))])
    connection = await asyncpg.connect(database_url)
    try:
        async with running_stages(bus, database_url, Readiness(), DEFAULT_POLICY), asyncio.timeout(TIMEOUT_S):
            while await connection.fetchval("SELECT count(*) FROM mail") < len(mails) or await _on_the_way(bus):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        ended = await connection.fetch("SELECT outcome, count(*) FROM mail GROUP BY outcome")
        documents = await connection.fetchval("SELECT count(*) FROM document")
    finally:
        await connection.close()
    dead = await bus.count(topology.DEAD)
    return Left(dead, (await blob_store(bus.js)).held, documents, {outcome: count for outcome, count in ended})


async def _on_the_way(bus: Bus) -> int:
    return await bus.count(topology.MAIL) + await bus.count(topology.EXTRACT)
