"""Digests that are due are written down, once for each channel and period."""

from datetime import datetime

from notifier import store
from notifier.alerts import Options
from notifier.digest.figures import figures
from notifier.digest.period import due
from notifier.digest.render import render
from notifier.store import SQL
from pipeline.postgres.connection import Database

KNOWN = "SELECT 1 FROM notify_delivery WHERE channel_id = $1 AND key = $2"


async def write_digests(database: Database, now: datetime, options: Options) -> int:
    """Writes what is due and not written yet; gives how many. Raises TryLater."""
    async with database.connection() as connection:
        channels = await store.channels(connection)
    written = 0
    for channel in channels:
        period = due(now, channel.settings) if channel.settings.enabled else None
        if period is None:
            continue
        async with database.transaction() as connection:
            if await connection.fetchval(KNOWN, channel.id, period.key):
                continue
            found = await figures(connection, period, channel.settings.domains)
            rendered = render(found, period, public_url=options.public_url)
            payload = {
                "title": rendered.title,
                "text": rendered.text,
                "html": rendered.html,
                "figures": found.model_dump(mode="json"),
            }
            state, detail = ("dropped", "dry run") if options.dry_run else ("waiting", "")
            await connection.execute(
                SQL["insert_delivery"], channel.id, "digest", period.key, None, payload, state, now, detail
            )
            written += 1
    return written
