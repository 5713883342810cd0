"""A local SMTP server for the demo, a channel that leads to it, and what the notifier told by it."""

import asyncio
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dmarq.client import Client
from dmarq.embedded.programs import LOOPBACK, free_port
from dmarq.stack import Stack
from pipeline.runtime.retry import pause

CHANNEL = "demo-inbox"
WAIT_S = 75.0  # the notifier looks at least once a minute
LOOK_EVERY_S = 0.5
WANTED_ALERTS = 2
KEPT = 200  # mails


@dataclass(frozen=True, slots=True)
class Told:
    """What arrived: the subject of the digest (empty: none so far), the titles of alerts, and how many mails."""

    digest: str = ""
    alerts: tuple[str, ...] = ()
    mails: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether a demo need not wait for more."""
        return bool(self.digest) and len(self.alerts) >= WANTED_ALERTS


@dataclass
class Inbox:
    """The server; as a context manager it runs inside the block, in a thread of its own."""

    port: int = field(default_factory=free_port)
    subjects: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._controller = Controller(self, hostname=LOOPBACK, port=self.port)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 its name there
        """Takes a mail, and keeps its subject."""
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        if len(self.subjects) < KEPT:
            self.subjects.append(str(mail["Subject"]))
        return "250 taken"


def add_channel(stack: Stack, inbox: Inbox) -> None:
    """The notifier sends alerts to the inbox from now on; the digest comes when there is something to tell."""
    server = {"host": LOOPBACK, "port": inbox.port, "security": "none", "sender": "dmarq@demo.example"}
    channel = {"name": "Demo inbox", "kind": "email", "email": {**server, "recipients": ["you@demo.example"]}}
    with _client(stack) as client:
        client.post("/notifications/channels", {**channel, "id": CHANNEL, "digest": "none", "max_per_hour": 1000})


async def told(stack: Stack, inbox: Inbox, stopping: asyncio.Event) -> Told:
    """What arrived, once there is something of each kind, or after some seconds."""
    await asyncio.to_thread(_ask_for_digest, stack)
    until = time.monotonic() + WAIT_S
    while True:
        found = await asyncio.to_thread(_told, stack, inbox)
        if found.is_complete or stopping.is_set() or time.monotonic() > until:
            return found
        await pause(stopping, LOOK_EVERY_S)


def _ask_for_digest(stack: Stack) -> None:
    with _client(stack) as client:
        client.change(f"/notifications/channels/{CHANNEL}", {"digest": "weekly", "digest_hour": 0})


def _told(stack: Stack, inbox: Inbox) -> Told:
    with _client(stack) as client:
        alerts: list[dict[str, Any]] = client.get("/notifications/alerts")["items"]
    sent = [alert["title"] for alert in alerts if any(one["state"] == "sent" for one in alert["deliveries"])]
    digest = next((subject for subject in inbox.subjects if "digest" in subject), "")
    return Told(digest, tuple(reversed(sent)), len(inbox.subjects))


def _client(stack: Stack) -> Client:
    return Client(f"http://{stack.http_address}", stack.admin_token)
