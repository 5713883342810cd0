import json
import logging
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from pipeline.telemetry.logs import MAX_TRACEBACK_LENGTH, bounded

TEXT = st.text(max_size=50) | st.just("x" * 5000)
VALUES = st.recursive(
    TEXT | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)

SCRIPT = """
import logging
import structlog
from pipeline.telemetry.logs import configure_logs
configure_logs(service="s", level="info", json_lines=True)
log = structlog.get_logger()
log.debug("not shown")
log.info("a", mail="x" * 5000, nested={"subject": "evil\\nline"}, other=ValueError("evil\\x1b[2J"))
try:
    raise KeyError("k")
except KeyError:
    log.exception("b")
logging.getLogger("asyncio").error("Task %s", "evil\\nline")
logging.getLogger("asyncio").info("not shown")
"""


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@given(entry=st.dictionaries(st.text(min_size=1, max_size=10).map("k".__add__), VALUES, max_size=4))
def test_whatever_is_logged_is_bounded_and_on_one_line(entry: dict[str, object]) -> None:
    tamed = bounded(None, "info", dict(entry))

    assert all(len(text) <= 1000 and text.isprintable() for value in tamed.values() for text in texts(value))


def test_long_lists_are_cut() -> None:
    tamed = bounded(None, "info", {"mails": list(range(10_000))})

    assert len(tamed["mails"]) == 200


def test_deep_nesting_comes_to_an_end() -> None:
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]

    assert len(json.dumps(bounded(None, "info", {"deep": deep}))) < 2000


def test_a_traceback_keeps_its_lines_and_its_end() -> None:
    trace = "line\n" * 10_000 + "the end"
    tamed = bounded(None, "error", {"exception": trace})

    assert tamed["exception"] == trace[-MAX_TRACEBACK_LENGTH:]


def test_every_line_is_json_whoever_writes_it() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert [line["event"] for line in lines] == ["a", "b", "Task evil?line"]
    assert {line["service"] for line in lines} == {"s"}
    assert len(lines[0]["mail"]) == 1000
    assert lines[0]["nested"] == {"subject": "evil?line"}
    assert lines[0]["other"] == "evil?[2J"
    assert "KeyError: 'k'" in lines[1]["exception"]
    assert lines[2]["level"] == "error"
    assert lines[2]["logger"] == logging.getLogger("asyncio").name
