"""The HTTP API under /api/v1, and its own description."""

from flask import Flask

from config_api.api import (
    access,
    activity,
    dead_letters,
    description,
    domains,
    events,
    health,
    imports,
    mailbox_actions,
    mailboxes,
    mails,
    reparse,
    reports,
    sources,
    status,
    summary,
)
from config_api.notifications import resource as notifications

PARTS = (
    mailboxes, mailbox_actions, activity, mails, reports, sources, domains, summary, status, dead_letters, imports,
    reparse, access, events, notifications, description, health
)  # fmt: skip


def register_api(app: Flask) -> None:
    """Adds all routes."""
    for part in PARTS:
        app.register_blueprint(part.routes)
