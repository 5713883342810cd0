"""A chore goes on after a fault of the database or of its statement."""

import asyncio

from parser.chore import chore
from pipeline.errors import TryLater
from pipeline.postgres.connection import Database


async def test_a_chore_is_done_again_after_a_fault(postgres: Database) -> None:
    stopping = asyncio.Event()
    times = 0

    async def work() -> None:
        nonlocal times
        times += 1
        if times == 1:
            raise TryLater("postgres", "away")
        if times == 2:
            async with postgres.connection() as connection:
                await connection.execute("SELECT 1 / 0")
        if times == 4:
            stopping.set()

    async with asyncio.timeout(30):
        await chore("trial", work, every=0.01, stopping=stopping)

    assert times == 4
