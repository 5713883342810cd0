"""Programs of third parties follow the reports as the documented user, in Python and in Node, and lose none."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dmarq.embedded import EmbeddedNats, temporary_data_dir
from tests.integration.standalone.test_events import Running, report
from tests.support.node import MODULES

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
REPORTS = 120


@pytest.fixture
def exits() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


@pytest.fixture
def running(exits: ExitStack) -> Running:
    data = exits.enter_context(temporary_data_dir())
    return Running(exits.enter_context(EmbeddedNats(data)), data.path, exits)


@pytest.fixture(params=["consumer.py", "consumer.mjs"])
def consumer(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The command of an example, by itself in a directory, as somebody else would have it."""
    name: str = request.param
    script = tmp_path / name
    script.write_text((EXAMPLES / name).read_text(encoding="utf-8"))
    if name.endswith(".py"):
        return [sys.executable, str(script)]
    program: str = request.getfixturevalue("node")
    (tmp_path / "node_modules").symlink_to(MODULES)
    return [program, str(script)]


class Following:
    """An example at work on a stream; `kill` ends it without a word."""

    def __init__(self, command: list[str], url: str, exits: ExitStack) -> None:
        self._process = exits.enter_context(
            subprocess.Popen([*command, url, "my-service"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        exits.callback(self._process.kill)

    def numbers(self, count: int) -> list[int]:
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline() for _ in range(count)]
        if not all(lines):
            raise AssertionError(self._process.communicate()[1])
        return [json.loads(line)["id"] for line in lines]

    def kill(self) -> list[int]:
        """Ends it; gives what it had written meanwhile."""
        self._process.kill()
        assert self._process.stdout is not None
        return [json.loads(line)["id"] for line in self._process.stdout if line.endswith("}\n")]


def test_an_example_follows_and_loses_nothing_when_it_is_killed(
    running: Running, consumer: list[str], exits: ExitStack
) -> None:
    running.publish(*map(report, range(REPORTS)))
    url = running.nats.url_of("reports")

    first = Following(consumer, url, exits)
    before = first.numbers(REPORTS // 2)
    before += first.kill()
    running.publish(report(REPORTS))
    second = Following(consumer, url, exits)
    after: list[int] = []
    while not {*before, *after} >= set(range(REPORTS + 1)):
        after += second.numbers(1)
    second.kill()

    assert before == list(range(len(before)))
    assert min(after) > 0, "what was acknowledged does not come again"
