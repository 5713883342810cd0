"""Sending a message to a channel: mail, webhook, or a service that apprise knows."""

from notifier.sending.send import Sender

__all__ = ["Sender"]
