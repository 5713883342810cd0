"""Real receivers: an HTTP server, an SMTP server, and services as apprise speaks to them."""

import asyncio
import gzip
import hmac
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web

from notifier import store
from notifier.delivery import Channel, Outcome
from notifier.message import trial
from notifier.sending.send import Sender
from pipeline.postgres.connection import Database
from pipeline.secrets import Keyring
from tests.support.keys import OTHER_KEY
from tests.support.notifying import KEYS, SIGNING_KEY, MailSink, Post, Receiver, put_channel

NOW = datetime.now(UTC)
PRIVATE = "private, loopback or link-local"


async def channel(postgres: Database, **settings: Any) -> Channel:
    await put_channel(postgres, "ops", **settings)
    async with postgres.connection() as connection:
        found = await store.channel(connection, "ops")
    assert found is not None
    return found


async def send(sender: Sender, to: Channel) -> Outcome:
    return await sender.send(to, trial("ops.test.1", "Ops"), NOW)


async def test_a_webhook_is_signed_and_a_receiver_can_verify_it(
    postgres: Database, receiver: Receiver, sender: Sender
) -> None:
    outcome = await send(sender, await channel(postgres, url=receiver.url))

    assert outcome == Outcome(True, "200 OK")
    (post,) = receiver.posts
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    wanted = hmac.new(b64decode(SIGNING_KEY.removeprefix("whsec_")), signed, sha256).digest()
    assert post.headers["webhook-signature"] == "v1," + b64encode(wanted).decode()
    assert post.json["type"] == "test"
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", post.headers["traceparent"])
    assert post.json["id"] == post.headers["webhook-id"] == "ops.test.1"


async def test_a_redirect_is_not_followed(postgres: Database, receiver: Receiver, sender: Sender) -> None:
    async def elsewhere(post: Post) -> web.Response:
        return web.Response(status=307, headers={"Location": "/other"})

    receiver.answer = elsewhere
    outcome = await send(sender, await channel(postgres, url=receiver.url))

    assert not outcome.sent
    assert "redirects are not followed" in outcome.detail
    assert len(receiver.posts) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])
async def test_a_private_address_is_refused_as_it_is_connected_to(
    postgres: Database, receiver: Receiver, host: str
) -> None:
    to = await channel(postgres, url=f"http://{host}:{receiver.port}/hook")

    outcome = await send(Sender(KEYS, allow_private=False), to)

    assert outcome.permanent
    assert PRIVATE in outcome.detail
    assert receiver.posts == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"])
async def test_no_spelling_of_an_address_gets_around_that(postgres: Database, receiver: Receiver, host: str) -> None:
    to = await channel(postgres, url=f"http://{host}:{receiver.port}/hook")

    assert not (await send(Sender(KEYS, allow_private=False), to)).sent
    assert receiver.posts == []


async def test_what_a_server_says_is_shown_on_one_bounded_line(
    postgres: Database, receiver: Receiver, sender: Sender
) -> None:
    async def much(post: Post) -> web.Response:
        return web.Response(status=429, text="slow\r\ndown\x00" + "x" * 5_000_000, headers={"Retry-After": "90"})

    receiver.answer = much
    outcome = await send(sender, await channel(postgres, url=receiver.url))

    assert outcome.detail.startswith("429 Too Many Requests: slow down xxx")
    assert len(outcome.detail) < 300
    assert outcome.detail.isprintable()
    assert outcome.retry_after == 90


async def test_an_error_does_not_repeat_the_url(postgres: Database, sender: Sender) -> None:
    outcome = await send(sender, await channel(postgres, url="http://127.0.0.1:9/secret-token"))

    assert not outcome.sent
    assert not outcome.permanent
    assert "secret-token" not in outcome.detail


async def test_a_secret_beside_another_destination_is_not_sent_there(
    postgres: Database, receiver: Receiver, sender: Sender
) -> None:
    to = await channel(postgres, url="https://hooks.example.com/token")
    moved = to.settings.model_copy(update={"destination": f"http://127.0.0.1:{receiver.port}"})

    outcome = await send(sender, Channel(to.id, moved, to.secret, to.created_at))

    assert outcome.permanent
    assert "does not open" in outcome.detail
    assert receiver.posts == []


async def test_without_the_key_nothing_is_sent(postgres: Database, receiver: Receiver) -> None:
    other = Sender(Keyring(OTHER_KEY), allow_private=True)

    assert "does not open" in (await send(other, await channel(postgres, url=receiver.url))).detail
    assert receiver.posts == []


async def test_a_mail_arrives(postgres: Database, sink: MailSink, sender: Sender) -> None:
    outcome = await send(sender, await channel(postgres, **sink.settings))

    assert outcome.sent, outcome.detail
    (mail,) = sink.mails
    assert mail["Subject"] == "Test of DMARQ's notifications"
    assert mail["To"] == "ops@example.com"
    assert mail["X-DMARQ-Key"] == "ops.test.1"
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_what_an_smtp_server_says_is_told(postgres: Database, sink: MailSink, sender: Sender) -> None:
    sink.refuse = "452 mailbox full"
    outcome = await send(sender, await channel(postgres, **sink.settings))

    assert outcome == Outcome(False, "452 mailbox full")


async def test_a_server_without_starttls_gets_neither_password_nor_mail(
    postgres: Database, sink: MailSink, sender: Sender
) -> None:
    settings = sink.settings
    settings["email"] |= {"security": "starttls", "username": "ops"}
    outcome = await send(sender, await channel(postgres, password="correct horse", **settings))

    assert not outcome.sent
    assert "STARTTLS" in outcome.detail
    assert sink.mails == []


SERVICES = {
    "ntfy": ("ntfy://127.0.0.1:{port}/dmarq", "message"),
    "gotify": ("gotify://127.0.0.1:{port}/ABCDEFGHIJKLMNO", "message"),
    "mattermost": ("mmost://127.0.0.1:{port}/3ccdd113474722377935511fc85d3dd4", "text"),
}


@pytest.mark.parametrize("service", SERVICES)
async def test_apprise_speaks_to_a_service_in_its_own_format(
    postgres: Database, receiver: Receiver, sender: Sender, service: str
) -> None:
    url, words = SERVICES[service]
    outcome = await send(sender, await channel(postgres, kind="apprise", url=url.format(port=receiver.port)))

    assert outcome.sent, outcome.detail
    (post,) = receiver.posts
    assert "This is a test of the channel" in post.json[words]


async def test_apprise_sends_mail_too(postgres: Database, sink: MailSink, sender: Sender) -> None:
    url = f"mailto://127.0.0.1:{sink.port}?from=dmarq@example.com&to=ops@example.com&mode=insecure"
    outcome = await send(sender, await channel(postgres, kind="apprise", url=url))

    assert outcome.sent, outcome.detail
    assert len(sink.mails) == 1


async def test_apprise_may_not_reach_private_addresses_either(postgres: Database, receiver: Receiver) -> None:
    to = await channel(postgres, kind="apprise", url=f"ntfy://localhost:{receiver.port}/dmarq")

    outcome = await send(Sender(KEYS, allow_private=False), to)

    assert not outcome.sent
    assert receiver.posts == []
    assert PRIVATE in outcome.detail


async def test_a_service_that_refuses_is_told_without_its_url(
    postgres: Database, receiver: Receiver, sender: Sender
) -> None:
    async def refuse(post: Post) -> web.Response:
        return web.Response(status=403)

    receiver.answer = refuse
    outcome = await send(
        sender, await channel(postgres, kind="apprise", url=f"ntfy://127.0.0.1:{receiver.port}/secret")
    )

    assert not outcome.sent
    assert "secret" not in outcome.detail


async def test_an_smtp_server_that_never_stops_talking_is_left(postgres: Database, sender: Sender) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(b"220-welcome to a greeting without an end\r\n" * 1000)
                await writer.drain()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        facts = {"host": "127.0.0.1", "port": port, "security": "none"}
        email = facts | {"sender": "dmarq@example.com", "recipients": ["ops@example.com"]}
        async with asyncio.timeout(20):
            outcome = await send(sender, await channel(postgres, kind="email", email=email))

    assert not outcome.sent
    assert outcome.detail.startswith("no connection")


async def test_a_packed_answer_of_a_webhook_is_not_unpacked(
    postgres: Database, receiver: Receiver, sender: Sender
) -> None:
    async def packed(post: Post) -> web.Response:
        assert post.headers["Accept-Encoding"] == "identity"
        return web.Response(status=500, body=gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"})

    receiver.answer = packed
    outcome = await send(sender, await channel(postgres, url=receiver.url))

    assert outcome.detail.startswith("500 Internal Server Error")
    assert len(outcome.detail) < 300
