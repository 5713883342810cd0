from datetime import UTC, datetime

import pytest

from config_api.live import MAX_STREAMS, Feed, Happening, Interest
from pipeline.events import ActivityLogged, Level
from pipeline.wire import Envelope, Wire, encode


def _wire(number: int) -> Wire:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    event = ActivityLogged(
        id=str(number), mailbox_id="box", source="imap", name="connected", level=Level.INFO, text="", data={}, at=at
    )
    return encode(Envelope(event))


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


def test_one_stream_too_many_ends_the_oldest() -> None:
    feed = Feed()
    streams = [feed.stream(Interest()) for _ in range(MAX_STREAMS + 1)]
    assert [next(stream) for stream in streams] == ["retry: 3000\n\n"] * (MAX_STREAMS + 1)
    feed.hear(_wire(1))
    assert list(streams[0]) == []
    assert all("connected" in next(stream) for stream in streams[1:])


def test_a_stream_that_nobody_reads_any_more_ends() -> None:
    assert list(Feed().stream(Interest(), is_gone=lambda: True)) == ["retry: 3000\n\n"]


def test_a_stream_that_is_never_silent_ends_all_the_same() -> None:
    feed = Feed(life=0.05)
    lines = 0
    for lines, _ in enumerate(feed.stream(Interest())):
        feed.hear(_wire(lines))
        assert lines < 1_000_000
    assert lines > 0


def test_no_stream_opens_once_all_were_closed() -> None:
    feed = Feed()
    early = feed.stream(Interest())
    next(early)
    feed.close()
    assert [list(early), list(feed.stream(Interest()))] == [[], ["retry: 3000\n\n"]]
