"""No NATS user and no PostgreSQL role is allowed more than its work, nor less."""

import asyncio
import json
from contextlib import suppress
from textwrap import indent
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import nats
import pytest

from dmarq.demo.audit import MAILBOX_ID
from pipeline.contracts.topology import actor
from pipeline.errors import Rejected
from pipeline.jetstream.connection import jetstream
from pipeline.jetstream.crashes import CrashBucket
from tests.support.deployment import DEPLOY, GuardedNats, Secrets, client_of


@pytest.mark.parametrize(
    ("user", "consumer"),
    [
        ("fetcher", actor(MAILBOX_ID).name),
        ("extractor", "extractor"),
        ("parser", "parser"),
        ("parser", "recorder"),
        ("notifier", "notifier-reports"),
        ("notifier", "notifier-events"),
    ],
)
@pytest.mark.usefixtures("upgraded")
async def test_a_service_may_note_its_crashes(user: str, consumer: str, secrets: Secrets, guarded: GuardedNats) -> None:
    refused_before = len(guarded.refusals)
    async with client_of(user, secrets, guarded) as client:
        crashes = CrashBucket(jetstream(client), consumer=consumer, limit=2)
        async with crashes.watching(7), crashes.watching(7):
            pass
        with pytest.raises(Rejected):
            async with crashes.watching(8), crashes.watching(8), crashes.watching(8):
                pass

    assert guarded.refusals[refused_before:] == []


@pytest.mark.usefixtures("upgraded")
async def test_a_broker_that_refuses_the_note_of_a_crash_does_not_hold_up_the_work(
    secrets: Secrets, guarded: GuardedNats
) -> None:
    done = False
    async with (
        client_of("migrate", secrets, guarded) as client,  # which may not note crashes
        CrashBucket(jetstream(client), consumer="extractor", limit=2).watching(7),
    ):
        done = True

    assert done
    assert "Publish Violation" in guarded.refusals[-1]


@pytest.mark.usefixtures("upgraded")
async def test_a_reader_of_reports_does_what_the_documents_say(secrets: Secrets, guarded: GuardedNats) -> None:
    refused_before = len(guarded.refusals)
    text = (DEPLOY.parent / "docs/events.md").read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    body = example.replace("fetch(10)", "fetch(1, timeout=1)")  # there may be none
    names: dict[str, Any] = {"json": json}
    exec(f"async def read(nc):\n{indent(body, '    ')}", names)
    async with client_of("reports", secrets, guarded) as client:
        with suppress(TimeoutError):
            await names["read"](client)

        subscribed = await client.jetstream().consumer_info("REPORT", "my-service")
    assert subscribed.config.filter_subject == "report.stored.aggregate.*"
    assert guarded.refusals[refused_before:] == []


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
        ("parser", "UPDATE overview_domain SET reports = 0"),
        ("config_api", "DELETE FROM report"),
        ("config_api", "UPDATE mail SET outcome = 'imported'"),
        ("config_api", "SELECT make_record_partition(2026, 1)"),
        ("config_api", "SELECT drop_record_partitions(1)"),
        ("config_api", "SELECT fold_overview(1)"),
        ("config_api", "UPDATE audit SET who = 'nobody'"),
        ("config_api", "DELETE FROM audit"),
        ("config_api", "TRUNCATE audit"),
        ("parser", "SELECT * FROM users"),
        ("parser", "SELECT * FROM audit"),
        ("parser", "SELECT * FROM confined.report"),
        ("grafana", "SELECT * FROM confined.report"),
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
