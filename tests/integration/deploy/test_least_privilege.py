"""The whole pipeline, each service with its own NATS user and PostgreSQL role, allowed no more than deploy/ says."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import nats
import pytest

from dmarq.demo.account import MAILBOX_ID, demo_mailboxes
from dmarq.embedded import EmbeddedMailbox, temporary_data_dir
from dmarq.samples import make_mails, total
from pipeline.settings import process_environment
from tests.support.deployment import GuardedNats, Secrets, guarded_nats, make_roles
from tests.support.servers import fresh_database, running_postgres
from tests.support.services import ADMIN_TOKEN, Services, services

MAILS, SEED, UNTIL = 60, 3, date(2026, 11, 1)
PATIENCE_S = 60


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets.made(tmp_path_factory.mktemp("volumes"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, secrets: Secrets) -> Iterator[GuardedNats]:
    with guarded_nats(tmp_path_factory.mktemp("nats"), secrets) as server:
        yield server


@pytest.fixture(scope="module")
def superuser_url(secrets: Secrets) -> Iterator[str]:
    with running_postgres() as server, fresh_database(server) as url:
        make_roles(url, secrets)
        make_roles(url, secrets)  # a repeat changes nothing
        yield url


@pytest.fixture(scope="module")
def upgraded(secrets: Secrets, guarded: GuardedNats, superuser_url: str) -> dict[str, str]:
    """The environment of the services, after `dmarq-migrate` has done its work twice."""
    urls = _urls("migrate", secrets, guarded, superuser_url)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from pipeline.upgrade import main; sys.exit(main())"],
            env={**process_environment(), **urls},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "schema is up to date"
    return {
        "DMARQ_MIGRATE": "false",
        "DMARQ_SECRET_KEY": secrets.read("fetcher/secret_key"),
        "DMARQ_RECONCILE_MINUTES": "0.02",
    }


@pytest.fixture
def running(
    secrets: Secrets, guarded: GuardedNats, superuser_url: str, upgraded: dict[str, str], tmp_path: Path
) -> Iterator[tuple[Services, httpx.Client]]:
    with (
        temporary_data_dir() as data,
        EmbeddedMailbox(data, mails=MAILS, seed=SEED, until=UNTIL) as mailbox,
        services(nats_url="", database_url="", logs=tmp_path) as started,
    ):
        for name in ("parser", "extractor", "fetcher", "config-api"):
            urls = _urls(name, secrets, guarded, superuser_url)
            mailboxes = {"DMARQ_MAILBOXES": demo_mailboxes(mailbox)} if name == "config-api" else {}
            started.start(name, environment={**upgraded, **urls, **mailboxes})
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        with httpx.Client(base_url=f"http://{started.http_address}/api/v1", headers=headers, timeout=30) as api:
            yield started, api


def test_the_pipeline_lacks_no_permission(
    running: tuple[Services, httpx.Client], guarded: GuardedNats, superuser_url: str
) -> None:
    started, api = running
    refused_before = len(guarded.refusals)  # to the other tests
    expected = total(make_mails(MAILS, SEED, until=UNTIL))
    _until(
        lambda: _number(superuser_url, "SELECT count(*) FROM mail WHERE action_state <> 'pending'") == expected.mails
    )
    assert _number(superuser_url, "SELECT count(*) FROM report") == expected.reports

    for action in ("test", "fetch", "backfill"):
        assert api.post(f"/mailboxes/{MAILBOX_ID}/{action}", json={}).is_success, action
    (letter,) = _letters(api)
    assert api.get(f"/dead-letters/{letter}").is_success
    assert api.post(f"/dead-letters/{letter}/retry").is_success
    _until(lambda: [again for again in _letters(api) if again > letter] != [])
    assert api.delete(f"/dead-letters/{_letters(api)[0]}").is_success
    assert _letters(api) == []
    for path in ("/mailboxes", "/mails", "/reports", "/summary", "/activity", "/logs"):
        assert api.get(path).is_success, path
    (mailbox,) = api.get("/mailboxes").json()["items"]
    assert mailbox["state"]["live"]["last_success_at"] is not None

    job = api.post("/reparse", json={}).raise_for_status().json()["id"]
    _until(lambda: api.get(f"/reparse/{job}").raise_for_status().json()["finished_at"] is not None)
    assert guarded.refusals[refused_before:] == []
    logs = "".join(path.read_text() for path in started.logs.glob("*.log"))
    assert "permission denied" not in logs
    assert "InsufficientPrivilege" not in logs


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("fetcher", "report.stored.aggregate.example_com"),
        ("fetcher", "mailbox.command.demo"),
        ("extractor", "mailbox.command.demo"),
        ("extractor", "$KV.mailbox.demo"),
        ("extractor", "$JS.ACK.EXTRACT.parser.1.1.1.1.1"),
        ("parser", "mail.fetched.demo"),
        ("parser", "$KV.mailbox.demo"),
        ("config-api", "report.stored.aggregate.example_com"),
        ("config-api", "$JS.API.STREAM.DELETE.DEAD"),
        ("fetcher", "$JS.API.STREAM.PURGE.MAIL"),
        ("migrate", "mail.fetched.demo"),
        ("parser", "$JS.API.STREAM.UPDATE.MAIL"),
    ],
)
async def test_what_is_not_its_work_is_refused_to_a_service(
    user: str, subject: str, secrets: Secrets, guarded: GuardedNats
) -> None:
    assert await _is_refused(secrets.url(f"{user}/nats_url", guarded.address), publish=subject)


@pytest.mark.parametrize(
    ("user", "subject"), [("extractor", "mail.>"), ("parser", "_INBOX_fetcher.>"), ("fetcher", ">")]
)
async def test_what_is_not_meant_for_it_is_not_heard_by_a_service(
    user: str, subject: str, secrets: Secrets, guarded: GuardedNats
) -> None:
    assert await _is_refused(secrets.url(f"{user}/nats_url", guarded.address), subscribe=subject)


async def test_nobody_gets_in_without_a_password(guarded: GuardedNats) -> None:
    host, _, port = guarded.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"CONNECT {}\r\nPING\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert b"Authorization Violation" in answer


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("parser", "SELECT * FROM credential"),
        ("parser", "SELECT settings FROM mailbox"),
        ("parser", "CREATE TABLE x ()"),
        ("parser", "DROP TABLE mail"),
        ("config_api", "DELETE FROM report"),
        ("config_api", "UPDATE mail SET outcome = 'imported'"),
        ("config_api", "SELECT make_record_partition(2026, 1)"),
        ("grafana", "SELECT * FROM mail"),
        ("grafana", "SELECT * FROM api_token"),
    ],
)
@pytest.mark.usefixtures("upgraded")
async def test_what_is_not_its_work_is_refused_to_a_role(
    role: str, statement: str, secrets: Secrets, superuser_url: str
) -> None:
    parts = urlsplit(superuser_url)
    password = secrets.read(f"postgres/{role}")
    connection = await asyncpg.connect(
        host=parts.hostname, port=parts.port, database=parts.path[1:], user=f"dmarq_{role}", password=password
    )
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


def _letters(api: httpx.Client) -> list[int]:
    return [letter["id"] for letter in api.get("/dead-letters").raise_for_status().json()["items"]]


def _urls(name: str, secrets: Secrets, guarded: GuardedNats, superuser_url: str) -> dict[str, str]:
    found = {"DMARQ_NATS_URL": secrets.url(f"{name}/nats_url", guarded.address)}
    if (secrets.volumes / name / "database_url").exists():
        parts = urlsplit(superuser_url)
        address = f"{parts.hostname}:{parts.port}"
        found["DMARQ_DATABASE_URL"] = secrets.url(f"{name}/database_url", address, database=parts.path)
    return found


async def _is_refused(url: str, *, publish: str = "", subscribe: str = "") -> bool:
    refused = asyncio.Event()

    async def hear(error: Exception) -> None:
        if "permissions violation" in str(error).lower():
            refused.set()

    async with await nats.connect(url, error_cb=hear) as client:
        if publish:
            await client.publish(publish, b"{}")
        else:
            await client.subscribe(subscribe)
        await client.flush()
        await asyncio.wait_for(refused.wait(), 5)
    return refused.is_set()


def _number(url: str, query: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    return asyncio.run(ask())


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.3)
