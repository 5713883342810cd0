"""The other side of the notifier: channels in the database, a web server that takes webhooks, an SMTP server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from dmarq.embedded.programs import LOOPBACK, free_port
from pipeline.notifications.channels import ChannelSecrets, ChannelSettings, belonging, destination_of
from pipeline.postgres.connection import Database
from pipeline.secrets import Keyring
from tests.support.services import SECRET_KEY

SIGNING_KEY = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
INSERT = "INSERT INTO notify_channel (id, settings, secret) VALUES ($1, $2, $3)"
KEYS = Keyring(SECRET_KEY)


async def put_channel(
    postgres: Database, channel_id: str, *, url: str = "", password: str = "", **settings: Any
) -> ChannelSettings:
    """A channel as config-api keeps it; a webhook unless `kind` says otherwise. It asks for no digest."""
    given = {"name": channel_id, "kind": "webhook", "digest": "none", **settings}
    secrets = ChannelSecrets(
        url=SecretStr(url) if url else None,
        password=SecretStr(password) if password else None,
        signing_key=SecretStr(SIGNING_KEY) if given["kind"] == "webhook" else None,
    )
    wanted = ChannelSettings.model_validate(given)
    wanted = wanted.model_copy(update={"destination": destination_of(wanted, secrets)})
    sealed = KEYS.seal(secrets.plain(), belongs_to=belonging(channel_id, wanted))
    async with postgres.connection() as connection:
        await connection.execute(INSERT, channel_id, wanted.model_dump(mode="json"), sealed)
    return wanted


@dataclass(frozen=True, slots=True)
class Post:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


Handler = Callable[[Post], Awaitable[web.Response]]


@dataclass
class Receiver:
    """A web server that keeps what it is sent. `answer` may be set to anything."""

    port: int
    posts: list[Post] = field(default_factory=list)
    answer: Handler | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.port}/hook"

    @property
    def keys(self) -> list[str]:
        """The ids of the sendings that came, repeats included."""
        return [post.headers["webhook-id"] for post in self.posts]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that answers 200, until told otherwise."""
    receiver = Receiver(free_port())

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        post = Post(request.path, headers, await request.read())
        receiver.posts.append(post)
        return await receiver.answer(post) if receiver.answer else web.Response(text="ok")

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, receiver.port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class MailSink:
    """An SMTP server that keeps what it is sent."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd calls it so
        """Takes a mail."""
        if self.refuse:
            return self.refuse
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a channel that sends mail here."""
        server = {"host": LOOPBACK, "port": self.port, "security": "none", "sender": "dmarq@example.com"}
        return {"kind": "email", "email": {**server, "recipients": ["ops@example.com"]}}


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A real SMTP server on loopback."""
    sink = MailSink(free_port())
    controller = Controller(sink, hostname=LOOPBACK, port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


async def eventually(holds: Callable[[], Any], *, within: float = 30.0) -> None:
    """Waits until it holds; `holds` may give an awaitable."""
    async with asyncio.timeout(within):
        while True:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.05)
