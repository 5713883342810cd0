"""One way to send a message to any channel: mail, webhook, or a service that apprise knows, in a process of its own."""

import asyncio
import json
import sys
from contextlib import suppress
from datetime import datetime

from notifier.delivery import Channel, Outcome
from notifier.message import Message
from notifier.sending import email
from notifier.sending.webhook import WebhookSender
from pipeline.notifications.channels import ChannelKind, ChannelSecrets, belonging, destination_of
from pipeline.secrets import BadSecretKey, Keyring

LOST = "its secret does not open: enter the URL or the password of the channel again"
APPRISE_TIMEOUT = 24.0  # seconds; with those that wait for their turn it is less than a courier waits for a sending
MAX_TEXT = 20_000  # characters; a service cuts more than it takes
COMMAND = (sys.executable, "-P", "-m", "notifier.sending.apprise_process")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}  # and so no secret of ours


class Sender:
    """Opens a channel's secrets for the moment of a sending. `allow_private` as the setting says."""

    def __init__(self, keys: Keyring, *, allow_private: bool) -> None:
        self._keys = keys
        self._apprise = AppriseSender(allow_private=allow_private)
        self._webhooks = WebhookSender(allow_private=allow_private)

    async def send(self, channel: Channel, message: Message, at: datetime) -> Outcome:
        """How it ended; never raises for what another side does. `at` is the message's own time."""
        try:
            secrets = self._opened(channel)
            if destination_of(channel.settings, secrets) != channel.settings.destination:
                return Outcome(False, LOST, permanent=True)
        except (BadSecretKey, ValueError):
            return Outcome(False, LOST, permanent=True)
        password = secrets.password.get_secret_value() if secrets.password else ""
        url = secrets.url.get_secret_value() if secrets.url else ""
        key = secrets.signing_key.get_secret_value() if secrets.signing_key else ""
        if channel.settings.kind is ChannelKind.EMAIL and channel.settings.email is not None:
            return await asyncio.to_thread(email.send, channel.settings.email, password, message, at)
        if channel.settings.kind is ChannelKind.WEBHOOK:
            return await self._webhooks.send(url, key, message)
        return await self._apprise.send(url, message)

    def _opened(self, channel: Channel) -> ChannelSecrets:
        if not channel.secret:
            return ChannelSecrets()
        plain = self._keys.open(channel.secret, belongs_to=belonging(channel.id, channel.settings))
        return ChannelSecrets.model_validate_json(plain)


class AppriseSender:
    """One process at a time, for each takes 84 MB."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._alone = asyncio.Lock()

    async def send(self, url: str, message: Message) -> Outcome:
        """How it ended."""
        wanted = {
            "url": url,
            "title": message.title,
            "text": message.text[:MAX_TEXT],
            "urgency": message.urgency.value,
            "allow_private": self._allow_private,
        }
        async with self._alone:
            return await _by_process(json.dumps(wanted).encode())


async def _by_process(request: bytes) -> Outcome:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=ENVIRONMENT
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(request), APPRISE_TIMEOUT)
        answer = json.loads(out)
    except TimeoutError:
        return Outcome(False, f"the service did not answer within {APPRISE_TIMEOUT:.0f} seconds")
    except ValueError:
        return Outcome(False, f"apprise ended with status {process.returncode}")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    detail = str(answer["detail"])[:300] or "sent"
    return Outcome(bool(answer["sent"]), detail, permanent=bool(answer.get("permanent")))
