"""A call at a dependency that is away is made again until it works, or until a stop."""

import asyncio

import pytest

from pipeline.contracts.reasons import Reason
from pipeline.errors import Rejected, TryLater
from pipeline.runtime.judge import RetryPolicy
from pipeline.runtime.retry import persist_unless_stopped

AT_ONCE = RetryPolicy(later_delays=(0.0,))


class Dependency:
    """Away for some calls."""

    def __init__(self, *, away_for: int) -> None:
        self.calls = 0
        self.called = asyncio.Event()
        self._away_for = away_for

    async def call(self) -> int:
        self.calls += 1
        self.called.set()
        if self.calls <= self._away_for:
            raise TryLater("nats", "gone")
        return self.calls


async def test_a_call_is_made_again_until_it_gives_something() -> None:
    assert await persist_unless_stopped(Dependency(away_for=3).call, asyncio.Event(), policy=AT_ONCE) == 4


async def test_a_stop_ends_the_waiting_and_gives_nothing() -> None:
    dependency, stopping = Dependency(away_for=10**9), asyncio.Event()
    persisting = asyncio.create_task(
        persist_unless_stopped(dependency.call, stopping, policy=RetryPolicy(later_delays=(3600.0,)))
    )
    await dependency.called.wait()

    stopping.set()

    assert await persisting is None
    assert dependency.calls == 1


async def test_nothing_is_called_after_a_stop() -> None:
    dependency, stopping = Dependency(away_for=0), asyncio.Event()
    stopping.set()

    assert await persist_unless_stopped(dependency.call, stopping) is None
    assert dependency.calls == 0


async def test_what_no_waiting_helps_comes_out() -> None:
    async def refuse() -> None:
        raise Rejected(Reason.BUG)

    with pytest.raises(Rejected):
        await persist_unless_stopped(refuse, asyncio.Event(), policy=AT_ONCE)
