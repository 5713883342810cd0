"""Sending a message to a channel: mail, webhook, or a service that apprise knows."""
