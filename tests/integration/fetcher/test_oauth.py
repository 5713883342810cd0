"""OAuth 2 tokens: asked for at a token server, kept in NATS, renewed in time."""

import asyncio

import pytest

from fetcher.credentials import TokenSource
from fetcher.oauth import TokenFault
from pipeline.contracts import topology
from pipeline.contracts.connection_test import Category
from pipeline.errors import TryLater
from pipeline.jetstream.buckets import KeyValueBucket
from pipeline.jetstream.tokens import TokenBucket
from pipeline.secrets import Keyring
from tests.support.keys import OTHER_KEY
from tests.support.providing import Provider, secrets
from tests.support.services import SECRET_KEY


async def test_a_token_is_kept_while_it_lasts_even_over_a_restart(provider: Provider) -> None:
    source = provider.process()
    oauth = provider.server.oauth()

    first = await source.access_token(oauth, secrets())
    again = await source.access_token(oauth, secrets())
    restarted = await provider.process().access_token(oauth, secrets())

    assert first == again == restarted
    assert len(provider.server.asked) == 1


async def test_a_token_is_renewed_before_it_expires(provider: Provider) -> None:
    provider.server.lifetime_s = 100  # less than two minutes are left
    source = provider.process()

    first = await source.access_token(provider.server.oauth(), secrets())
    second = await source.access_token(provider.server.oauth(), secrets())

    assert first != second
    assert len(provider.server.asked) == 2


async def test_many_who_need_a_token_at_once_ask_once(provider: Provider) -> None:
    source = provider.process()

    tokens = await asyncio.gather(*(source.access_token(provider.server.oauth(), secrets()) for _ in range(20)))

    assert len(set(tokens)) == 1
    assert len(provider.server.asked) == 1


async def test_a_replaced_refresh_token_is_used_from_then_on(rotating: Provider) -> None:
    rotating.server.lifetime_s = 1
    oauth = rotating.server.oauth()
    source = rotating.process()

    await source.access_token(oauth, secrets())
    await source.access_token(oauth, secrets())
    await rotating.process().access_token(oauth, secrets())  # after a restart, from the bucket

    used = [form["refresh_token"] for form in rotating.server.asked]
    assert used == ["the first refresh token", "refresh token 2", "refresh token 3"]


async def test_another_process_that_was_faster_leaves_its_refresh_token_for_us(rotating: Provider) -> None:
    rotating.server.lifetime_s = 1
    oauth = rotating.server.oauth()
    slow, fast = rotating.process(), rotating.process()
    await slow.access_token(oauth, secrets())
    await fast.access_token(oauth, secrets())

    assert await slow.access_token(oauth, secrets())
    assert [form["refresh_token"] for form in rotating.server.asked[-2:]] == ["refresh token 2", "refresh token 3"]


async def test_a_new_refresh_token_in_the_settings_counts_at_once(rotating: Provider) -> None:
    source = rotating.process()
    await source.access_token(rotating.server.oauth(), secrets())
    rotating.server.refresh_tokens = {"from the new sign-in"}

    await source.access_token(rotating.server.oauth(), secrets(refresh_token="from the new sign-in"))

    assert rotating.server.asked[-1]["refresh_token"] == "from the new sign-in"


async def test_the_settings_refresh_token_is_the_fallback(rotating: Provider) -> None:
    rotating.server.lifetime_s = 1
    source = rotating.process()
    await source.access_token(rotating.server.oauth(), secrets())
    rotating.server.refresh_tokens = {"the first refresh token"}  # the provider was set back to a backup

    assert await source.access_token(rotating.server.oauth(), secrets())


@pytest.mark.parametrize(
    ("refusal", "category"),
    [
        ((401, "invalid_client"), Category.AUTHENTICATION),
        ((400, "invalid_grant"), Category.AUTH_EXPIRED),
        ((429, "slow_down"), Category.THROTTLED),
        ((503, "temporarily_unavailable"), Category.CONNECTIVITY),
    ],
)
async def test_a_provider_that_refuses_has_a_category(
    provider: Provider, refusal: tuple[int, str], category: Category
) -> None:
    provider.server.refusal = refusal

    with pytest.raises(TokenFault) as caught:
        await provider.process().access_token(provider.server.oauth(), secrets())

    assert caught.value.category is category


async def test_a_provider_that_is_away_is_no_connectivity(provider: Provider) -> None:
    oauth = provider.server.oauth(token_endpoint="http://127.0.0.1:1/token")

    with pytest.raises(TokenFault, match=r"no connection to http://127\.0\.0\.1:1/token") as caught:
        await provider.process().access_token(oauth, secrets())

    assert caught.value.category is Category.CONNECTIVITY


async def test_an_endless_answer_is_cut_off(provider: Provider) -> None:
    provider.server.raw_answer = b" " * 1_000_000

    with pytest.raises(TokenFault, match="too much"):
        await provider.process().access_token(provider.server.oauth(), secrets())


async def test_nothing_at_rest_shows_a_token(rotating: Provider) -> None:
    token = await rotating.process().access_token(rotating.server.oauth(), secrets())

    (entry,) = await KeyValueBucket(rotating.bus.js, topology.TOKEN_BUCKET).entries()
    assert token.encode() not in (entry.value or b"")
    assert b"refresh token" not in (entry.value or b"")


async def test_tokens_under_another_secret_key_are_asked_for_again(provider: Provider) -> None:
    await provider.process().access_token(provider.server.oauth(), secrets())
    other = TokenSource(TokenBucket(provider.bus.js, Keyring(OTHER_KEY)))

    assert await other.access_token(provider.server.oauth(), secrets())
    assert len(provider.server.asked) == 2


async def test_tokens_outlive_the_key_that_they_were_encrypted_with(provider: Provider) -> None:
    first = await provider.process().access_token(provider.server.oauth(), secrets())
    await TokenBucket(provider.bus.js, Keyring(f"{OTHER_KEY},{SECRET_KEY}")).rotate()
    newer = TokenSource(TokenBucket(provider.bus.js, Keyring(OTHER_KEY)))

    assert await newer.access_token(provider.server.oauth(), secrets()) == first
    assert len(provider.server.asked) == 1


async def test_while_the_broker_is_away_no_refresh_token_is_used_up(rotating: Provider) -> None:
    source = rotating.process()
    await rotating.bus.client.close()

    with pytest.raises(TryLater):
        await source.access_token(rotating.server.oauth(), secrets())
    assert rotating.server.asked == []
