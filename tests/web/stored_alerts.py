"""Channels, alerts and mutes for the pages to show."""

import asyncio
import json

import asyncpg

from tests.web.sites import Site

HOOK = {
    "name": "Operations",
    "id": "ops",
    "kind": "webhook",
    "url": "https://hooks.example.com/x",
    "urgency": "warning",
}
MAIL = {
    "name": "Weekly mail", "id": "mail", "kind": "email",
    "email": {"host": "smtp.example.com", "sender": "a@example.com", "recipients": ["b@example.com"]},
}  # fmt: skip
ALERTS = (
    ("source_failing", "example.com 192.0.2.10", "critical", "192.0.2.10 begins to fail for example.com", None),
    ("dead_letters", "not_well_formed", "warning", "31 emails could not be read", None),
    ("mailbox_sign_in", "dmarc-reports", "critical", "Mailbox DMARC reports refuses the sign-in", "now()"),
)
INSERT = """
INSERT INTO notify_alert (rule, subject, urgency, title, detail, link, count, opened_at, last_at, resolved_at)
VALUES ($1, $2, $3, $4, 'What was found, with figures, in a sentence or two.', '/dead-letters', 31, now(), now(),
    CASE WHEN $5::text IS NULL THEN NULL ELSE now() END)
RETURNING id
"""
DELIVERY = """
INSERT INTO notify_delivery (channel_id, kind, key, alert, payload, state, due_at, attempts, detail)
VALUES ($1, 'alert', 'alert.' || $2::bigint, $2, $3, $4, now(), 3, $5)
"""


def tell_alerts(site: Site) -> None:
    """Two channels, three alerts, one that was given up, and a mute."""
    for channel in (HOOK, MAIL):
        site.api("POST", "/notifications/channels", channel)
    site.api("POST", "/notifications/mutes", {"rule": "reporter_silent", "subject": "gmx.net"})
    asyncio.run(_tell(site.database_url))


async def _tell(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for alert in ALERTS:
            number = await connection.fetchval(INSERT, *alert)
            for channel, state, detail in (("mail", "sent", ""), ("ops", "dead", "503 Service Unavailable")):
                await connection.execute(DELIVERY, channel, number, json.dumps({}), state, detail)
    finally:
        await connection.close()
