from datetime import UTC, datetime

import pytest

from config_api.activity.live import overheard
from config_api.backend.feed import MAX_STREAMS, Feed, Happening, Interest
from pipeline.contracts.events import ActivityLogged, Level
from pipeline.contracts.wire import Envelope, encode


def _told(number: int) -> Happening:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    event = ActivityLogged(
        id=str(number), mailbox_id="box", source="imap", name="connected", level=Level.INFO, text="", data={}, at=at
    )
    told = overheard(encode(Envelope(event)))
    assert told is not None
    return told


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        (None, {Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR}),
        (Level.WARNING, {Level.WARNING, Level.ERROR}),
        (Level.ERROR, {Level.ERROR}),
    ],
)
def test_a_level_means_itself_and_what_matters_more(wanted: Level | None, held: set[Level]) -> None:
    interest = Interest(level=wanted)
    assert {level for level in Level if interest.holds(Happening("activity", "box", "imap", level, {}))} == held


async def test_one_stream_too_many_ends_the_oldest() -> None:
    feed = Feed()
    streams = [aiter(feed.stream(Interest())) for _ in range(MAX_STREAMS + 1)]
    assert [await anext(stream) for stream in streams] == [b"retry: 3000\n\n"] * (MAX_STREAMS + 1)
    feed.tell(_told(1))
    assert [line async for line in streams[0]] == []
    told = [await anext(stream) for stream in streams[1:]]
    assert all(b"connected" in line for line in told)
    for stream in streams:
        await stream.aclose()


async def test_a_stream_that_is_never_silent_ends_all_the_same() -> None:
    feed = Feed(life=0.05)
    lines = 0
    async for _ in feed.stream(Interest()):
        feed.tell(_told(lines))
        lines += 1
        assert lines < 1_000_000
    assert lines > 0


async def test_no_stream_opens_once_all_were_closed() -> None:
    feed = Feed()
    early = aiter(feed.stream(Interest()))
    await anext(early)
    feed.close()
    assert [line async for line in early] == []
    assert [line async for line in feed.stream(Interest())] == [b"retry: 3000\n\n"]
