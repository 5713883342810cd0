"""`dmarq notify` against a running config-api."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from pipeline.settings import process_environment
from tests.support.services import ADMIN_TOKEN
from tests.web.sites import Site, served_site

DMARQ = Path(sys.prefix) / "bin" / "dmarq"
DEAD = """
INSERT INTO notify_delivery (channel_id, kind, key, payload, state, due_at, detail)
VALUES ('operations', 'alert', 'alert.1', '{"title": "2 emails could not be read"}', 'dead', now(), '410 Gone')
"""
HOOK = {"name": "Operations", "kind": "webhook", "url": "https://hooks.example.com/a-secret-token"}


@pytest.fixture
def site(nats_url: str, migrated_url: str) -> Iterator[Site]:
    with served_site(nats_url=nats_url, database_url=migrated_url) as opened:
        yield opened


def notify(site: Site, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **process_environment(),
        "DMARQ_HTTP_ADDRESS": site.address,
        "DMARQ_PUBLIC_URL": "",
        "DMARQ_ADMIN_TOKEN": ADMIN_TOKEN,
    }
    command = [str(DMARQ), "notify", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_channels_are_listed_without_their_secrets(site: Site) -> None:
    assert "no channel yet" in notify(site, "list").stdout
    site.api("POST", "/notifications/channels", HOOK)

    done = notify(site, "list", "--json")

    assert json.loads(done.stdout)["destination"] == "https://hooks.example.com:443"
    assert "secret-token" not in done.stdout


def test_a_test_that_cannot_be_sent_ends_with_an_error(site: Site) -> None:
    site.api("POST", "/notifications/channels", HOOK)

    done = notify(site, "test", "operations")

    assert done.returncode != 0
    assert "No notifier is running" in done.stderr


def test_a_mute_is_made_listed_and_removed(site: Site) -> None:
    assert notify(site, "mute", "--rule", "dead_letters", "--days", "1").stdout == "muted (1)\n"
    assert json.loads(notify(site, "mutes", "--json").stdout)["rule"] == "dead_letters"
    assert notify(site, "unmute", "1").stdout == "told again\n"
    assert "nothing is muted" in notify(site, "mutes").stdout
    assert "Say a rule, a subject, or both" in notify(site, "mute").stderr
    assert "no alerts" in notify(site, "alerts", "--open").stdout


def test_what_was_given_up_is_listed_and_retried(site: Site) -> None:
    site.api("POST", "/notifications/channels", HOOK)
    asyncio.run(_give_up(site.database_url))

    (line,) = notify(site, "sent", "--dead", "--json").stdout.splitlines()
    number = str(json.loads(line)["id"])

    assert json.loads(line)["title"] == "2 emails could not be read"
    assert notify(site, "retry", number).stdout == "it is tried again, for another day\n"
    assert "nothing" in notify(site, "sent", "--dead").stdout
    assert notify(site, "retry", number).returncode != 0


def test_rules_are_listed_with_their_thresholds(site: Site) -> None:
    found = [json.loads(line) for line in notify(site, "rules", "--json").stdout.splitlines()]

    assert {"rule": "dead_letters", "threshold": 1}.items() <= found[12].items()


async def _give_up(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(DEAD)
    finally:
        await connection.close()
