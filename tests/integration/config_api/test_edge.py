"""The edge on a real socket: who is slow, greedy or a stranger costs little and stops nobody else."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from config_api.http.bounds import Bounds
from tests.attack import requests as attacks
from tests.support.config_api import Api, served
from tests.support.services import ADMIN_TOKEN

BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
BOUNDS = Bounds(header_deadline=1.0, body_deadline=1.0, write_deadline=1.0, connections=60, connections_per_client=20)
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "
BODY = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\na"
UPLOAD = (
    f"POST /api/v1/imports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n"
    "Content-Length: 20000000\r\n\r\n"
).encode()


@pytest.fixture
def address(api: Api) -> Iterator[str]:
    with served(api, bounds=BOUNDS) as found:
        yield found


@asynccontextmanager
async def connected(
    address: str, sent: bytes, *, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that has sent this."""
    reader, writer = await asyncio.open_connection(*address.split(":"), local_addr=(source, 0))
    writer.write(sent)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("sent", [HEAD, BODY, UPLOAD], ids=["head", "body", "upload"])
async def test_who_drips_is_dropped_though_bytes_keep_coming(address: str, sent: bytes) -> None:
    async with connected(address, sent) as (reader, writer), asyncio.timeout(30):
        answered = asyncio.create_task(reader.read())
        while not answered.done():
            await asyncio.sleep(0.1)
            writer.write(b"a")
        with suppress(ConnectionError):
            answer = await answered
            assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("sent", [HEAD, BODY], ids=["heads", "bodies"])
@pytest.mark.parametrize("strangers", [1, 10])
async def test_whoever_holds_many_connections_displaces_their_own(address: str, sent: bytes, strangers: int) -> None:
    async with AsyncExitStack() as stack:
        for number in range(200):
            source = f"127.0.0.{2 + number % strangers}"
            await stack.enter_async_context(connected(address, sent, source=source))
        transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{address}") as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/api/v1/mailboxes", headers=BEARER)).status_code == 200


async def test_a_live_view_holds_no_thread(api: Api) -> None:
    with served(api, bounds=Bounds(threads=1)) as address:
        async with (
            httpx.AsyncClient(headers=BEARER, base_url=f"http://{address}/api/v1", timeout=20) as client,
            client.stream("GET", "/events/stream") as stream,
        ):
            assert await anext(stream.aiter_lines()) == "retry: 3000"
            assert (await client.get("/mailboxes")).status_code == 200


async def test_an_upload_on_its_way_holds_no_thread(api: Api) -> None:
    with served(api, bounds=Bounds(threads=1, body_deadline=3.0)) as address:
        async with AsyncExitStack() as stack:
            for _ in range(6):
                await stack.enter_async_context(connected(address, UPLOAD + b"Subject: x\r\n"))
            async with httpx.AsyncClient(headers=BEARER, base_url=f"http://{address}/api/v1", timeout=20) as client:
                assert (await client.get("/mailboxes")).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers", "size", "status"),
    [
        ("/api/v1/imports", {}, 20_000_000, 401),
        ("/api/v1/imports", BEARER, 30_000_000, 413),
        ("/api/v1/mailboxes", BEARER, 2_000_000, 413),
        ("/sign-in", {}, 20_000, 413),
        ("/nothing", {}, 20_000_000, 404),
    ],
)
async def test_a_body_that_is_refused_is_never_read(
    address: str, path: str, headers: dict[str, str], size: int, status: int
) -> None:
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {size}\r\n\r\n".encode()
    async with connected(address, head) as (reader, _):
        assert (await asyncio.wait_for(reader.readline(), 30)).startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_body_without_a_length_is_refused(address: str) -> None:
    async def body():
        yield b"Subject: x\r\n\r\n"

    async with httpx.AsyncClient(headers=BEARER) as client:
        assert (await client.post(f"http://{address}/api/v1/imports", content=body())).status_code == 411


async def test_many_large_imports_take_turns_and_little_memory(api: Api) -> None:
    with served(api) as address:
        site = attacks.Site(address, os.getpid())
        async with httpx.AsyncClient(base_url=site.url, timeout=120) as client:
            before = site.memory()
            sent = [asyncio.create_task(attacks.imported(client, number, 10_000_000)) for number in range(16)]
            statuses, peak = await attacks.watched(site, asyncio.gather(*sent))
    assert set(statuses) == {202}
    assert peak - before < 64_000_000


async def test_a_client_that_asks_first_is_told_to_go_on(address: str) -> None:
    head = UPLOAD.replace(b"20000000", b"20000").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    async with connected(address, head) as (reader, writer), asyncio.timeout(30):
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        writer.write(b"Subject: x\r\n\r\n".ljust(20_000))
        await reader.readline()
        assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")


async def test_an_answer_that_nobody_reads_is_given_up_and_holds_no_thread(api: Api) -> None:
    def app(environ, start_response):
        start_response("200 OK", [])
        return iter([b"short"]) if environ["PATH_INFO"] == "/short" else iter(lambda: b"x" * 100_000, None)

    endless = Api(app, api.backend)  # type: ignore[arg-type]
    with served(endless, bounds=Bounds(threads=1, write_deadline=1.0)) as address:
        head = b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"
        async with connected(address, head) as (_, writer), asyncio.timeout(30):
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"http://{address}/short")).text == "short"
            while not writer.is_closing():
                await asyncio.sleep(0.1)
                writer.write(b"x")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_files_are_closed_also_when_who_asked_for_them_has_gone(address: str, method: str) -> None:
    asked = f"{method} /static/js/live.js HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n\r\n".encode()
    for _ in range(50):
        async with connected(address, asked):
            pass  # gone before the answer comes

    for _ in range(600):
        if not _open_scripts():
            break
        await asyncio.sleep(0.05)
    assert _open_scripts() == []


def _open_scripts() -> list[str]:
    found = []
    for number in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(number.readlink()))
    return [name for name in found if name.endswith("live.js")]
