"""`dmarq events`: a line for each event, acknowledged when it is written; nothing is lost, however it ends."""

import asyncio
import fcntl
import json
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dmarq.embedded import EmbeddedNats, temporary_data_dir
from pipeline.contracts.events import ActivityLogged, Level, ReportStored
from pipeline.contracts.mail_events import Event
from pipeline.contracts.wire import Envelope
from pipeline.jetstream.bus import Bus
from pipeline.jetstream.connection import connected
from pipeline.settings import process_environment

DMARQ = Path(sys.prefix) / "bin" / "dmarq"
REPORTS = 120


class Running:
    """A NATS server with everything of the topology, and commands that follow it."""

    def __init__(self, nats: EmbeddedNats, data: Path, exits: ExitStack) -> None:
        self.nats = nats
        self.data = data
        self._exits = exits

    def publish(self, *events: Event) -> None:
        async def published() -> None:
            async with connected(
                self.nats.url, name="test", stopping=asyncio.Event(), on_change=lambda _: None
            ) as client:
                assert client is not None
                bus = Bus(client)
                await bus.ensure()
                await bus.publish([Envelope(event) for event in events])

        asyncio.run(published())

    def follow(self, *options: str, durable: str = "test", **how: Any) -> "subprocess.Popen[str]":
        environment = {**process_environment(), "DMARQ_DATA_DIR": str(self.data)}
        process = subprocess.Popen(
            [DMARQ, "events", "--durable", durable, *options],
            env=environment,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
        )
        self._exits.enter_context(process)
        self._exits.callback(process.kill)
        return process


@pytest.fixture
def running() -> Iterator[Running]:
    with temporary_data_dir() as data, EmbeddedNats(data) as nats, ExitStack() as exits:
        yield Running(nats, data.path, exits)


def report(number: int) -> ReportStored:
    return ReportStored(
        id=number,
        mail_id="0" * 32,
        mailbox_id="m",
        kind="aggregate",
        org_name="reporter.example",
        report_id=str(number),
        domain="example.com",
        begin=0,
        end=1,
        fingerprint="f",
        records=1,
        messages=1,
        stored_at=datetime.now(UTC),
    )


def lines(process: "subprocess.Popen[str]", count: int) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [event["data"]["id"] for event in events]


def test_killed_half_way_it_loses_nothing_and_goes_on_where_it_stopped(running: Running) -> None:
    running.publish(*map(report, range(REPORTS)))

    first = running.follow()
    before = numbers(lines(first, REPORTS // 2))
    first.kill()
    assert first.stdout is not None
    before += numbers([json.loads(line) for line in first.stdout.read().splitlines() if line.endswith("}")])
    running.publish(report(REPORTS))
    after: list[int] = []
    second = running.follow()
    while not {*before, *after} >= set(range(REPORTS + 1)):
        after += numbers(lines(second, 1))

    assert before == list(range(len(before)))
    assert min(after) > 0, "what was acknowledged does not come again"


def test_a_reader_that_has_enough_ends_it_without_a_word(running: Running) -> None:
    running.publish(*map(report, range(REPORTS)))
    process = running.follow()
    lines(process, 3)
    assert process.stdout is not None
    process.stdout.close()

    running.publish(*map(report, range(REPORTS, 2 * REPORTS)))

    assert process.wait(30) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_what_finds_no_room_is_not_acknowledged_and_said_in_one_line(running: Running) -> None:
    running.publish(*map(report, range(3)))
    with Path("/dev/full").open("w") as full:
        process = running.follow(stdout=full)
        assert process.wait(30) == 1

    assert process.stderr is not None
    assert process.stderr.read() == (
        "Error: cannot write: No space left on device; what was not written is not acknowledged and comes again\n"
    )
    assert numbers(lines(running.follow(), 3)) == [0, 1, 2]


def test_without_an_output_nothing_is_read(running: Running) -> None:
    running.publish(report(1))
    shell = f"exec '{DMARQ}' events --durable test >&-"
    environment = {**process_environment(), "DMARQ_DATA_DIR": str(running.data)}

    done = subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, "Error: standard output is closed: there is nowhere to write to\n")
    assert numbers(lines(running.follow(), 1)) == [1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_what_was_not_written_comes_to_the_next(running: Running, number: signal.Signals) -> None:
    running.publish(*map(report, range(3)))
    process = running.follow()
    assert numbers(lines(process, 3)) == [0, 1, 2]
    process.send_signal(number)
    assert process.wait(30) == 0

    running.publish(report(3))

    assert numbers(lines(running.follow(), 1)) == [3]


def test_a_signal_ends_it_while_nobody_reads_its_lines(running: Running) -> None:
    running.publish(*map(report, range(1500)))  # more than a pipe holds
    process = running.follow()
    assert process.stdout is not None
    waiting, before = bytearray(4), -1
    while (now := int.from_bytes(waiting, sys.byteorder)) != before or not now:
        before = now
        time.sleep(0.5)
        fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 0


def test_what_happens_to_mailboxes_is_followed_by_kind(running: Running) -> None:
    at = datetime.now(UTC)
    running.publish(
        report(1),
        ActivityLogged(
            id="a", mailbox_id="m", at=at, level=Level.INFO, source="imap", name="signed_in", text="Signed in"
        ),
    )

    (event,) = lines(running.follow("--kind", "activity"), 1)

    assert event["specversion"] == "1.0"
    assert event["type"] == "dmarq.activity.v1"
    assert event["data"]["text"] == "Signed in"


def test_it_begins_at_a_moment_and_says_when_that_is_too_late(running: Running) -> None:
    running.publish(report(1))
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    running.publish(report(2))
    assert numbers(lines(running.follow("--since", "2026-01-01", durable="old"), 2)) == [1, 2]

    begun = running.follow("--since", later, durable="old")

    assert begun.wait(30) == 1
    assert begun.stderr is not None
    assert "has begun already" in begun.stderr.read()
    assert running.follow("--forget", durable="old").wait(30) == 0
    assert numbers(lines(running.follow(durable="old"), 2)) == [1, 2]


def test_the_broker_keeps_its_port_so_that_a_reader_finds_it_again(running: Running) -> None:
    running.publish(report(1))
    process = running.follow()
    assert numbers(lines(process, 1)) == [1]
    running.nats.stop()
    running.nats.start()

    running.publish(report(2))

    assert numbers(lines(process, 1)) == [2]


def test_the_name_of_a_service_is_refused(running: Running) -> None:
    process = running.follow("--kind", "event", durable="recorder")

    assert process.wait(30) == 2


def test_a_kind_that_the_user_may_not_read_is_one_clear_line(running: Running) -> None:
    running.publish(report(1))
    environment = {**process_environment(), "DMARQ_NATS_URL": running.nats.url_of("reports")}

    done = subprocess.run(
        [DMARQ, "events", "--durable", "x", "--kind", "event"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "may this user not read EVENT?" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_server_it_says_what_to_set(tmp_path: Path) -> None:
    environment = {**process_environment(), "DMARQ_DATA_DIR": str(tmp_path)}

    done = subprocess.run(
        [DMARQ, "events", "--durable", "x"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "DMARQ_NATS_URL" in done.stderr
