"""Email that holds no report leaves a line in the ledger, and nothing else."""

from pipeline.postgres.connection import Database
from tests.attack.junk import junk, left_of


async def test_nothing_is_kept_of_plain_junk(nats_url: str, migrated_url: str, postgres: Database) -> None:
    left = await left_of(nats_url, migrated_url, junk(32, size=300_000))

    assert left.outcomes == {"not_a_report": 32}
    assert (left.dead_letters, left.stored_bytes, left.documents) == (0, 0, 0)
