"""MTA-STS policies come from a real web server over TLS: what counts as one, and what is refused."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from aiohttp import ClientTimeout, web

from fetcher.sts_policies import WebOptions, WebPolicies
from pipeline.dns.resolver import Dns
from pipeline.dns.sts import MAX_POLICY_BYTES, NoPolicy, NotReached
from tests.support.dns_server import Zone, running_dns

POLICY = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n"
HOST = "mta-sts.example.com"
AUTHORITY = trustme.CA()
ZONE: Zone = {HOST: {"A": ["127.0.0.1"]}}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def plain(text: str = POLICY, **more: object) -> Answer:
    """Answers with this text, whatever is asked for."""

    async def answer(request: web.Request) -> web.Response:
        assert (request.path, request.host.partition(":")[0]) == ("/.well-known/mta-sts.txt", HOST)
        return web.Response(text=text, **more)  # type: ignore[arg-type]

    return answer


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@asynccontextmanager
async def policies(
    answer: Answer, *, zone: Zone = ZONE, certified: str = HOST, trusted: trustme.CA = AUTHORITY, **more: Any
) -> AsyncIterator[WebPolicies]:
    """Policies from a web server on loopback that answers so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(certified).configure_cert(context)
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        async with running_dns(zone) as server:
            options = {"allow_private": True, "port": runner.addresses[0][1], "trusted": trusting(trusted), **more}
            yield WebPolicies(Dns("127.0.0.1", port=server.port), WebOptions(**options))
    finally:
        await runner.cleanup()


async def test_a_policy_is_fetched_by_the_name_server_that_dns_is_asked_from() -> None:
    async with policies(plain()) as web_policies:
        assert await web_policies.fetch("example.com") == POLICY


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await answer.prepare(request)
    while True:
        await answer.write(b"x" * 1024)


async def compressed(_: web.Request) -> web.StreamResponse:
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    return web.Response(body=gzip.compress(b"x" * 10_000_000), headers=headers)


REFUSED: dict[str, tuple[Answer, str]] = {
    "redirect": (plain(status=302, headers={"Location": f"https://{HOST}/other"}), "redirects"),
    "absent": (plain("not here", status=404), "answers 404"),
    "html": (plain(content_type="text/html"), "text/plain is needed"),
    "large": (plain("x" * (MAX_POLICY_BYTES + 1)), "more than 64 KiB"),
    "endless": (endless, "more than 64 KiB"),
    "compressed": (compressed, "compresses"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_an_answer_that_senders_pass_over_is_no_policy(name: str) -> None:
    answer, said = REFUSED[name]
    async with policies(answer) as web_policies:
        with pytest.raises(NoPolicy, match=said):
            await web_policies.fetch("example.com")


@pytest.mark.parametrize(("certified", "trusted"), [("other.example.com", AUTHORITY), (HOST, trustme.CA())])
async def test_a_certificate_that_is_not_good_is_no_policy(certified: str, trusted: trustme.CA) -> None:
    async with policies(plain(), certified=certified, trusted=trusted) as web_policies:
        with pytest.raises(NoPolicy, match="certificate"):
            await web_policies.fetch("example.com")


@pytest.mark.parametrize(
    "zone",
    [
        ZONE,
        {HOST: {"AAAA": ["::1"]}},
        {HOST: {"A": ["169.254.169.254", "10.0.0.1"]}},
        {HOST: {"AAAA": ["::ffff:127.0.0.1", "64:ff9b::7f00:1"]}},
    ],
)
async def test_a_private_address_is_not_connected_to(zone: Zone) -> None:
    async def never(_: web.Request) -> web.Response:
        raise AssertionError("somebody connected")

    async with policies(never, zone=zone, allow_private=False) as web_policies:
        with pytest.raises(NotReached, match="DMARQ_STS_PRIVATE_ADDRESSES"):
            await web_policies.fetch("example.com")


async def test_a_web_server_that_is_not_there_says_nothing_of_the_policy() -> None:
    async with policies(plain(), port=1) as web_policies:
        with pytest.raises(NotReached, match="no connection"):
            await web_policies.fetch("example.com")
        with pytest.raises(NoPolicy, match="has no address"):
            await web_policies.fetch("example.org")


async def test_a_server_that_says_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("fetcher.sts_policies.TIMEOUT", ClientTimeout(total=0.3))
    async with policies(silent) as web_policies:
        with pytest.raises(NotReached, match="in time"):
            await web_policies.fetch("example.com")
