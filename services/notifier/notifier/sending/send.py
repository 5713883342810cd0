"""One way to send a message to any channel."""

import asyncio
from datetime import datetime

from notifier.deliveries import Outcome
from notifier.message import Message
from notifier.sending import email
from notifier.sending.by_apprise import AppriseSender
from notifier.sending.webhook import WebhookSender
from notifier.told import Channel
from pipeline.notifications.channels import ChannelKind, ChannelSecrets, belonging, destination_of
from pipeline.secrets import BadSecretKey, Keyring

LOST = "its secret does not open: enter the URL or the password of the channel again"


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
