"""config-api as a process of its own: its command line, its start, its live stream, its end."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from config_api.backend.feed import MAX_STREAMS
from dmarq.embedded.programs import LOOPBACK, free_port
from pipeline.contracts.events import ActivityLogged, Level
from pipeline.contracts.wire import Envelope
from pipeline.settings import process_environment
from tests.support.client import bus
from tests.support.config_api import MAILBOX, eventually
from tests.support.extracted import FETCHED_AT
from tests.support.servers import fresh_database
from tests.support.services import ADMIN_TOKEN, SECRET_KEY, Services, services

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def process(nats_url: str, migrated_url: str, tmp_path: Path) -> Iterator[Services]:
    with services("config-api", nats_url=nats_url, database_url=migrated_url, logs=tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def unchanged(
    nats_server: str, postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """One that refuses all it is sent, shared."""
    logs = tmp_path_factory.mktemp("unchanged")
    with (
        fresh_database(postgres_server, template=migrated_template) as url,
        services("config-api", nats_url=nats_server, database_url=url, logs=logs) as running,
    ):
        yield running


async def test_what_happens_is_seen_at_once_by_those_who_watch(process: Services, nats_url: str) -> None:
    url = f"http://{process.http_address}/api/v1/events/stream?mailbox_id=box&source=imap"
    async with (
        bus(nats_url) as opened,
        httpx.AsyncClient(headers=HEADERS, timeout=20) as client,
        client.stream("GET", url) as stream,
    ):
        assert stream.headers["content-type"] == "text/event-stream"
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        await opened.publish([Envelope(_line("1", mailbox_id="other")), Envelope(_line("2"))])
        told = [await anext(lines) for _ in range(3)]
    assert told[1] == "event: activity"
    assert json.loads(told[2].removeprefix("data: "))["id"] == "2"


async def test_a_live_view_does_not_hold_up_the_end(process: Services) -> None:
    url = f"http://{process.http_address}/api/v1/events/stream"
    async with httpx.AsyncClient(headers=HEADERS, timeout=20) as client, client.stream("GET", url) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        assert process.running["config-api"].stop() == 0
    assert "stopped" in (process.logs / "config-api.log").read_text()


async def test_watchers_that_went_away_push_nobody_out(process: Services, nats_url: str) -> None:
    url = f"http://{process.http_address}/api/v1/events/stream?mailbox_id=box"
    async with (
        bus(nats_url) as opened,
        httpx.AsyncClient(headers=HEADERS, timeout=20, limits=httpx.Limits(max_keepalive_connections=0)) as client,
        client.stream("GET", url) as stream,
        AsyncExitStack() as others,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        for _ in range(MAX_STREAMS - 1):
            async with client.stream("GET", url) as gone:
                assert await anext(gone.aiter_lines()) == "retry: 3000"
        await asyncio.sleep(1)
        for _ in range(MAX_STREAMS - 1):
            other = await others.enter_async_context(client.stream("GET", url))
            assert await anext(other.aiter_lines()) == "retry: 3000"
        await opened.publish([Envelope(_line("1", mailbox_id="box"))])
        told = [await anext(lines) for _ in range(2)]
    assert told[1] == "event: activity"


def test_no_secret_is_in_the_log(process: Services) -> None:
    url = f"http://{process.http_address}/api/v1/mailboxes"
    assert httpx.post(url, json=MAILBOX, headers=HEADERS).status_code == 201
    assert httpx.post(url, json={**MAILBOX, "port": "x"}, headers=HEADERS).status_code == 422
    eventually(lambda: httpx.get(url, headers=HEADERS).json()["items"][0]["is_published"])
    process.running["config-api"].stop()
    log = (process.logs / "config-api.log").read_text()
    assert "mailbox_published" in log
    assert not [secret for secret in (MAILBOX["password"], ADMIN_TOKEN) if secret in log]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"", "application/json", 422),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    unchanged: Services, content: bytes, content_type: str, status: int
) -> None:
    url = f"http://{unchanged.http_address}/api/v1/mailboxes"
    answer = httpx.post(url, content=content, headers={**HEADERS, "Content-Type": content_type})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_command_line_prints_a_sign_in_link_without_the_token(process: Services) -> None:
    environment = {"DMARQ_HTTP_ADDRESS": process.http_address, "DMARQ_ADMIN_TOKEN": ADMIN_TOKEN}
    done = subprocess.run(
        [sys.executable, "-m", "dmarq", "sign-in-link"],
        env={**process_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    address, _, code = done.stdout.strip().partition("/sign-in#")
    assert address == f"http://{process.http_address}"
    assert ADMIN_TOKEN not in code
    with httpx.Client(base_url=address) as browser:
        form = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in").text)
        assert form is not None
        signed_in = [browser.post("/sign-in", data={"secret": code, "csrf_token": form[1]}).status_code]
        browser.cookies.delete("dmarq_session")
        signed_in.append(browser.post("/sign-in", data={"secret": code, "csrf_token": form[1]}).status_code)
    assert signed_in == [303, 401]


def test_the_help_explains_itself() -> None:
    done = _run("--help")
    assert done.returncode == 0
    assert "DMARQ_HTTP_ADDRESS" in done.stdout


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"DMARQ_SECRET_KEY": ""}, "DMARQ_SECRET_KEY"),
        ({"DMARQ_ADMIN_TOKEN": "guess me"}, "DMARQ_ADMIN_TOKEN has less than 32 characters; make one: openssl rand"),
        ({"DMARQ_ADMIN_TOKEN": "change-me-" * 4}, "DMARQ_ADMIN_TOKEN repeats itself"),
        ({"DMARQ_ADMIN_TOKEN": "0123456789abcdefghijklmnopqrstuvwxyz"}, "DMARQ_ADMIN_TOKEN repeats itself"),
        ({"DMARQ_MAILBOXES": "[{}]"}, "DMARQ_MAILBOXES"),
        ({"DMARQ_NATS_URL": "nats://h:abc"}, "DMARQ_NATS_URL: should look like nats://host:4222"),
        ({"DMARQ_DATABASE_URL": "postgresql://u:p@h:abc/x"}, "DMARQ_DATABASE_URL: should look like postgresql://"),
    ],
)
def test_bad_settings_end_it_with_one_line_and_status_78(wrong: dict[str, str], says: str) -> None:
    done = _run(environment={"DMARQ_SECRET_KEY": SECRET_KEY, **wrong})
    assert done.returncode == 78
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_failure_in_the_background_right_at_the_start_ends_it_with_a_line_that_says_why() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        address = f"{LOOPBACK}:{taken.getsockname()[1]}"
        done = _run(
            environment={
                "DMARQ_SECRET_KEY": SECRET_KEY,
                "DMARQ_NATS_URL": f"nats://{LOOPBACK}:1",
                "DMARQ_DATABASE_URL": f"postgresql://{LOOPBACK}:1/none",
                "DMARQ_HTTP_ADDRESS": f"{LOOPBACK}:{free_port()}",
                "DMARQ_HEALTH_ADDRESS": address,
            }
        )
    assert done.returncode == 1
    assert "address already in use" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def _run(*arguments: str, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "config_api", *arguments]
    together: dict[str, Any] = {**process_environment(), **(environment or {})}
    return subprocess.run(command, env=together, capture_output=True, text=True, timeout=30, check=False)


def _line(number: str, *, mailbox_id: str = "box") -> ActivityLogged:
    return ActivityLogged(
        id=number, mailbox_id=mailbox_id, source="imap", name="connected", level=Level.INFO, at=FETCHED_AT
    )
