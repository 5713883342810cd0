"""The loop that views call."""

import asyncio

from config_api.backend.loop import Loop


def test_what_still_runs_when_the_loop_is_closed_is_cancelled() -> None:
    ended: list[str] = []
    running: list[asyncio.Task[None]] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    async def begin() -> None:
        running.append(asyncio.create_task(work()))
        await asyncio.sleep(0)

    loop = Loop()
    loop.call(begin(), timeout=5)
    loop.close()

    assert ended == ["work"]
