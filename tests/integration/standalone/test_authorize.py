"""Signing in with a provider once: by device code, by browser, and the command that does either."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from click.testing import CliRunner, Result

from dmarq import authorize
from dmarq.__main__ import dmarq
from dmarq.authorize import DeviceCode, by_browser, by_device_code
from fetcher.oauth import Issued, TokenEndpoint, TokenFault
from pipeline.contracts.authorization import SignIn
from pipeline.contracts.connection_test import Category
from pipeline.contracts.oauth import OAuthSettings
from tests.support.token_server import CLIENT_SECRET, TokenServer

ENDPOINT = TokenEndpoint()


@pytest.fixture
async def provider() -> AsyncIterator[TokenServer]:
    async with TokenServer(issue=lambda: "an access token") as server:
        yield server


async def device_flow(oauth: OAuthSettings, told: list[DeviceCode]) -> Issued:
    return await by_device_code(oauth, client_secret="s", endpoint=ENDPOINT, tell=told.append)


async def test_a_device_code_is_asked_after_until_it_was_entered(
    provider: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorize, "SLOWER_BY_S", 0.01)
    provider.pending = ["authorization_pending", "slow_down", "authorization_pending"]
    told: list[DeviceCode] = []

    issued = await device_flow(provider.oauth(scope="imap"), told)

    assert issued.refresh_token in provider.refresh_tokens
    assert (told[0].user_code, told[0].uri) == ("WDJB-MJHT", f"{provider.url}/enter-code")
    assert provider.asked[0] == {"client_id": "the client", "scope": "imap"}
    assert len(provider.asked) == 5


@pytest.mark.parametrize("error", ["access_denied", "expired_token"])
async def test_a_device_code_that_was_refused_is_asked_after_no_more(provider: TokenServer, error: str) -> None:
    provider.pending = [error, "authorization_pending"]

    with pytest.raises(TokenFault) as caught:
        await device_flow(provider.oauth(), [])

    assert caught.value.category is Category.AUTH_EXPIRED
    assert provider.pending == ["authorization_pending"]


async def test_a_provider_that_is_away_for_a_moment_ends_no_sign_in(provider: TokenServer) -> None:
    provider.cut_off = authorize.MAX_FAILURES

    assert (await device_flow(provider.oauth(), [])).refresh_token in provider.refresh_tokens


async def test_a_provider_that_stays_away_is_named_in_the_end(provider: TokenServer) -> None:
    provider.cut_off = authorize.MAX_FAILURES + 1

    with pytest.raises(TokenFault, match="no connection to"):
        await device_flow(provider.oauth(), [])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"user_code": "A", "device_code": "B"},
        {"user_code": "A", "device_code": "B", "verification_uri": 7},
        {"user_code": "A\x1b[2J", "device_code": "B", "verification_uri": "https://x.example"},
    ],
)
def test_a_device_answer_that_lacks_something_is_refused(answer: dict[str, object]) -> None:
    with pytest.raises(TokenFault, match="no device code"):
        DeviceCode.of(answer)


@pytest.mark.parametrize("seconds", [10**400, 1e300, -1, float("nan"), "soon", None])
def test_a_device_answer_can_make_nobody_wait_for_ever(seconds: object) -> None:
    answer = {"device_code": "d", "user_code": "U", "verification_uri": "https://x.example", "interval": seconds}
    code = DeviceCode.of(answer | {"expires_in": seconds})

    assert 0 < code.interval_s <= authorize.MAX_INTERVAL_S
    assert 0 < code.lasts_s <= authorize.MAX_WAIT_S


def test_google_names_the_place_otherwise() -> None:
    code = DeviceCode.of({"user_code": "A", "device_code": "B", "verification_url": "https://x.example"})

    assert (code.uri, code.interval_s) == ("https://x.example", 5.0)


async def visit(link: str) -> str:
    async with aiohttp.ClientSession() as person, person.get(link) as answer:
        return await answer.text()


async def test_a_browser_signs_in_and_comes_back(provider: TokenServer) -> None:
    links: asyncio.Queue[str] = asyncio.Queue()
    signing_in = asyncio.create_task(
        by_browser(provider.oauth(), client_secret="s", endpoint=ENDPOINT, tell=links.put_nowait)
    )

    page = await visit(await links.get())
    issued = await signing_in

    assert "You can close this page" in page
    assert issued.refresh_token in provider.refresh_tokens
    assert provider.asked[-1]["client_secret"] == "s"


async def test_a_return_that_belongs_to_another_sign_in_is_ignored(provider: TokenServer) -> None:
    links: asyncio.Queue[str] = asyncio.Queue()
    signing_in = asyncio.create_task(
        by_browser(provider.oauth(), client_secret="", endpoint=ENDPOINT, tell=links.put_nowait)
    )
    link = await links.get()
    back = parse_qs(urlsplit(link).query)["redirect_uri"][0]

    assert "not the sign-in" in await visit(f"{back}?code=foreign&state=guessed")
    assert "not the sign-in" in await visit(f"{back}?code=foreign")
    assert not signing_in.done()
    await visit(link)

    assert (await signing_in).access_token == "an access token"


async def test_a_person_who_does_not_agree_ends_the_wait(provider: TokenServer) -> None:
    links: asyncio.Queue[str] = asyncio.Queue()
    signing_in = asyncio.create_task(
        by_browser(provider.oauth(), client_secret="", endpoint=ENDPOINT, tell=links.put_nowait)
    )
    query = parse_qs(urlsplit(await links.get()).query)

    await visit(f"{query['redirect_uri'][0]}?error=access_denied&state={query['state'][0]}")

    with pytest.raises(TokenFault, match="access_denied"):
        await signing_in


async def test_nobody_who_comes_is_a_time_out(provider: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize, "WAIT_S", 0.05)

    with pytest.raises(TokenFault, match="nobody signed in"):
        await by_browser(provider.oauth(), client_secret="", endpoint=ENDPOINT, tell=lambda _: None)


def test_google_is_asked_for_a_refresh_token_at_every_sign_in() -> None:
    google = OAuthSettings.model_validate({"provider": "google", "client_id": "abc"})
    query = parse_qs(urlsplit(SignIn("http://127.0.0.1:1/").link(google)).query)

    assert (query["access_type"], query["prompt"], query["scope"]) == (
        ["offline"],
        ["consent"],
        ["https://mail.google.com/"],
    )


async def command(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, dmarq, ["mailbox", "authorize", *arguments])


def options(provider: TokenServer) -> list[str]:
    return [
        "--client-id",
        "abc",
        "--token-endpoint",
        f"{provider.url}/token",
        "--device-endpoint",
        f"{provider.url}/device",
    ]


async def test_the_command_prints_what_is_to_be_saved(provider: TokenServer) -> None:
    result = await command(*options(provider), "--scope", "imap")

    assert result.exit_code == 0, result.output
    assert "WDJB-MJHT" in result.stderr
    printed = json.loads(result.stdout)
    assert printed["auth"] == "xoauth2"
    assert printed["refresh_token"] in provider.refresh_tokens
    assert OAuthSettings.model_validate(printed["oauth"]).scope == "imap"


async def test_the_command_tries_an_application_s_own_credentials(provider: TokenServer, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CLIENT_SECRET + "\n")
    good = await command(*options(provider), "--grant", "client_credentials", "--client-secret-file", str(secret))
    bad = await command(*options(provider), "--grant", "client_credentials")

    assert json.loads(good.stdout)["client_secret"] == CLIENT_SECRET
    assert bad.exit_code == 1
    assert "client_id or client_secret" in bad.output


async def test_google_is_not_asked_without_the_secret_that_it_will_want(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CLIENT_SECRET)
    async with TokenServer(issue=lambda: "an access token", demands_secret=True) as google:
        endpoints = [*options(google), "--authorization-endpoint", f"{google.url}/authorize"]
        refused = await command("--provider", "google", *endpoints)
        custom = await command(*endpoints)
        given = await command(*endpoints, "--client-secret-file", str(secret))

    assert refused.exit_code == 2
    assert "give --client-secret-file" in refused.output
    assert "Open this" not in refused.output
    assert "client_secret is missing" in custom.output
    assert given.exit_code == 0, given.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--client-id"),
        (["--client-id", "abc"], "token_endpoint"),
        (["--client-id", "abc", "--token-endpoint", "http://login.example.com/"], "--token-endpoint: should start"),
        (["--client-id", "abc", "--token-endpoint", "https://login.example.com/"], "--device-endpoint or"),
    ],
)
async def test_what_is_missing_is_named_in_one_line(arguments: list[str], complaint: str) -> None:
    result = await command(*arguments)

    assert result.exit_code == 2
    assert complaint in result.output
