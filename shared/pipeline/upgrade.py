"""The command `dmarq-migrate`: the database's schema and grants, and the streams of NATS, as this version declares.

Run once at every upgrade, before the services, by accounts that may do what the services may not (DMARQ_MIGRATE=false).
Without DMARQ_NATS_URL it leaves NATS alone.
"""

import argparse
import asyncio
import sys

import asyncpg
import structlog

from pipeline.errors import TryLater
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from pipeline.postgres.migrate import grant, migrate
from pipeline.settings import Settings, SettingsError, given
from pipeline.telemetry.logs import configure_logs

log = structlog.get_logger(__name__)

TIMEOUT = 120.0  # seconds for everything; a larger migration has no limit of its own once it has begun
CONNECT_TIMEOUT = 10.0  # seconds


async def upgrade(settings: Settings, *, with_database: bool = True, with_streams: bool = True) -> list[str]:
    """Says what it did. Raises OSError and asyncpg.PostgresError, TryLater, SettingsError."""
    done = await _upgrade_database(settings) if with_database else []
    if with_streams:
        async with asyncio.timeout(TIMEOUT):
            await _upgrade_streams(settings)
        done.append("streams are as declared")
    return done


async def _upgrade_database(settings: Settings) -> list[str]:
    connection = await asyncpg.connect(settings.database_url.get_secret_value(), timeout=CONNECT_TIMEOUT)
    try:
        applied = [f"applied {name}" for name in await migrate(connection)] or ["schema is up to date"]
        granted = [f"granted {role}" for role in await grant(connection)]
    finally:
        await connection.close()
    return applied + granted


async def _upgrade_streams(settings: Settings) -> None:
    url = settings.nats_url.get_secret_value()
    async with connected(url, name="migrate", stopping=asyncio.Event(), on_change=lambda _: None) as client:
        if client is not None:
            await Bus(client).ensure(replicas=settings.nats_replicas, consumers=False)


def main() -> int:
    """Runs the command; gives the exit status."""
    parser = argparse.ArgumentParser(prog="dmarq-migrate", description=__doc__)
    parser.add_argument("--only-streams", action="store_true", help="leave PostgreSQL alone")
    with_database = not parser.parse_args().only_streams
    try:
        settings = Settings.load()
        configure_logs(service="migrate", level=settings.log_level, json_lines=settings.log_json)
        done = asyncio.run(upgrade(settings, with_database=with_database, with_streams="DMARQ_NATS_URL" in given()))
    except (SettingsError, OSError, asyncpg.PostgresError, TryLater) as error:
        sys.stderr.write(f"dmarq-migrate: {error or type(error).__name__}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
