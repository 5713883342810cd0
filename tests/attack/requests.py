"""Attacks by request: on the memory, the threads and the time of config-api, and on its way in.

python -m tests.attack.requests
"""

import asyncio
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from dmarq.embedded import EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from dmarq.embedded.programs import LOOPBACK
from tests.attack import Row
from tests.attack.odd_requests import answered
from tests.support.services import ADMIN_TOKEN, services

MB = 1_000_000
STRANGER = "127.0.0.2"  # an address of this machine that nobody trusts, as LOOPBACK is
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
PASSWORD = "the password of the attacked"
AWAY = 503  # no fetcher and no parser is running
DRIPPING = 1000
ALIVE_S = 1.0
IMPORTS = 50
IMPORT_BYTES = 25 * MB


@dataclass(frozen=True, slots=True)
class Site:
    """What is attacked."""

    address: str
    pid: int

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def memory(self) -> int:
        """Bytes of the process that no other one shares."""
        return int(psutil.Process(self.pid).memory_full_info().uss)


async def run(*names: str) -> list[Row]:
    """All of them, or those with these names, against a process of its own."""
    with _site() as site:
        return [await attack(site) for attack in ATTACKS if not names or attack.__name__ in names]


async def hashing_flood(site: Site) -> Row:
    """Many guess passwords at the same moment."""
    async with _client(site, timeout=60) as client:
        form = await _sign_in_form(client)
        before = site.memory()
        guesses = [
            asyncio.create_task(client.post("/sign-in", data={**form, "secret": "wrong"}, headers=_from(number)))
            for number in range(60)
        ]
        statuses, peak = await watched(site, asyncio.gather(*guesses))
    counts = Counter(answer.status_code for answer in statuses)
    grown = (peak - before) / MB
    measured = f"{grown:.0f} MB more, answers {dict(counts)}"
    held = grown < 140 and set(counts) <= {401, 503}
    return Row("60 passwords are guessed at once", "memory of two hashes (140 MB)", measured, held)


async def lock_out(site: Site) -> Row:
    """Wrong guesses from many addresses are no reason to refuse the right one."""
    async with _client(site, timeout=30) as client:
        wrong = {"Authorization": "Bearer dmarq_wrong"}
        refused: Counter[int] = Counter()
        for number in range(22):
            for _ in range(12):
                answer = await client.get("/api/v1/mailboxes", headers={**wrong, **_from(1000 + number)})
                refused[answer.status_code] += 1
        token = await client.get("/api/v1/mailboxes", headers={**BEARER, **_from(5000)})
        form = await _sign_in_form(client)
        password = await client.post("/sign-in", data={**form, "secret": PASSWORD}, headers=_from(5001))
    measured = f"wrong: {dict(refused)}; then token {token.status_code}, password {password.status_code}"
    held = set(refused) == {401, 429} and (token.status_code, password.status_code) == (200, 303)
    return Row("264 wrong tokens from 22 addresses", "the right token and password are taken", measured, held)


async def dripping_heads(site: Site) -> Row:
    """Heads of requests that never come to their end."""
    return await _dripping(site, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ", "heads")


async def dripping_bodies(site: Site) -> Row:
    """Bodies that never come to their end."""
    head = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n"
    return await _dripping(site, head, "bodies")


async def many_imports(site: Site) -> Row:
    """Many large files at the same moment."""
    async with _client(site, timeout=300) as client:
        before = site.memory()
        sent = [asyncio.create_task(imported(client, number, IMPORT_BYTES)) for number in range(IMPORTS)]
        statuses, peak = await watched(site, asyncio.gather(*sent))
    grown = (peak - before) / MB
    measured = f"{grown:.0f} MB more, answers {dict(Counter(statuses))}"
    held = grown < 64 and set(statuses) == {202}
    return Row(f"{IMPORTS} imports of {IMPORT_BYTES // MB} MB at once", "64 MB more memory", measured, held)


async def strangers_body(site: Site) -> Row:
    """A large body of somebody who may send none."""
    reader, writer = await asyncio.open_connection(*site.address.split(":"), local_addr=(STRANGER, 0))
    head = f"POST /api/v1/imports HTTP/1.1\r\nHost: localhost\r\nContent-Length: {IMPORT_BYTES}\r\n\r\n"
    writer.write(head.encode())
    sent = 0
    status = b""
    async with asyncio.timeout(10):
        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            await asyncio.sleep(0.05)
            writer.write(b"x" * 1000)
            sent += 1000
        status = await answer
    await _abandon(writer)
    measured = f"{status.decode().strip()} after {sent / 1000:.0f} kB"
    return Row("a body of 25 MB without a token", "refused unread", measured, b" 401 " in status and sent < 64_000)


async def odd_requests(site: Site) -> Row:
    """Requests that nobody sends who means well."""
    answers = await asyncio.to_thread(answered, site.address, {**BEARER, **_from(6000)})
    failed = [
        f"{odd.method} {odd.target[:60]} {odd.body[:60]!r}: {status}"
        for odd, status in answers
        if status >= 500 and status != AWAY
    ]
    measured = "; ".join(failed) or f"{len(answers)} requests, none failed"
    return Row("odd cursors, numbers, characters, headers", "none fails", measured, not failed)


ATTACKS: tuple[Callable[[Site], Coroutine[Any, Any, Row]], ...] = (
    hashing_flood, dripping_heads, dripping_bodies, strangers_body, odd_requests, many_imports, lock_out,
)  # fmt: skip


async def _dripping(site: Site, head: bytes, what: str) -> Row:
    async with AsyncExitStack() as stack:
        dripping = [await _opened(site, head, stack) for _ in range(DRIPPING)]
        slowest = 0.0
        async with _client(site, timeout=10, address=STRANGER) as client:
            for _ in range(20):
                for writer in dripping:
                    if not writer.is_closing():
                        writer.write(b"a")
                began = time.monotonic()
                answer = await client.get("/healthz")
                slowest = max(slowest, time.monotonic() - began)
                if answer.status_code != 200:
                    slowest = float("inf")
                await asyncio.sleep(1)
        left = len([None for each in psutil.Process(site.pid).net_connections() if each.status == "ESTABLISHED"])
    measured = f"/healthz within {slowest * 1000:.0f} ms; after 20 s {left} connections are left"
    return Row(f"{DRIPPING} connections drip {what}", "/healthz within 1 s", measured, slowest < ALIVE_S and left < 100)


async def _opened(site: Site, head: bytes, stack: AsyncExitStack) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(*site.address.split(":"), local_addr=(STRANGER, 0))
    stack.push_async_callback(_abandon, writer)
    writer.write(head)
    return writer


async def _abandon(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def imported(client: httpx.AsyncClient, number: int, size: int) -> int:
    """The status of an import, tried until there is room."""
    head = f"Subject: report {number}\r\n\r\n".encode()
    headers = {**BEARER, "Content-Length": str(size), "Content-Type": "application/octet-stream"}

    async def body() -> AsyncIterator[bytes]:
        yield head
        left = size - len(head)
        while left:
            piece = min(left, 64 * 1024)
            yield bytes(piece)
            left -= piece

    status = 503
    while status == 503:
        status = (await client.post("/api/v1/imports", content=body(), headers=headers)).status_code
    return status


async def watched(site: Site, work: "asyncio.Future[list[Any]]") -> tuple[list[Any], int]:
    """What the work gave, and the most memory that the site had meanwhile."""
    peak = site.memory()
    while not work.done():
        await asyncio.sleep(0.05)
        peak = max(peak, site.memory())
    return await work, peak


async def _sign_in_form(client: httpx.AsyncClient) -> dict[str, str]:
    found = re.search(r'name="csrf_token" value="([^"]+)"', (await client.get("/sign-in")).text)
    assert found is not None
    return {"csrf_token": found[1]}


def _client(site: Site, *, timeout: float, address: str = LOOPBACK) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=address, limits=httpx.Limits(max_connections=None))
    return httpx.AsyncClient(base_url=site.url, timeout=timeout, transport=transport)


def _from(number: int) -> dict[str, str]:
    """As a proxy says that the request comes from the client of this number."""
    return {"X-Forwarded-For": f"10.0.{number // 250}.{number % 250 + 1}"}


@contextmanager
def _site() -> Iterator[Site]:
    with (
        temporary_data_dir() as data,
        EmbeddedNats(data) as nats,
        EmbeddedPostgres(data, durable=False) as postgres,
        tempfile.TemporaryDirectory(prefix="dmarq-attack-") as logs,
        services(nats_url=nats.url, database_url=postgres.url, logs=Path(logs)) as running,
    ):
        child = running.start("config-api", environment={"DMARQ_TRUSTED_PROXY": LOOPBACK})
        body = {"current": ADMIN_TOKEN, "password": PASSWORD}
        httpx.put(f"http://{running.http_address}/api/v1/password", json=body, headers=BEARER).raise_for_status()
        yield Site(running.http_address, child.pid)
