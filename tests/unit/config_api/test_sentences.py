import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from config_api.activity.sentences import _SENTENCES, rest_of, sentence_of

LINES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("moved", {"uids": "2", "folder": "Done"}, "Moved 1 email (UID 2) to Done."),
    ("moved", {"uids": "2:4,9", "folder": "Done"}, "Moved 4 emails (UIDs 2:4,9) to Done."),
    ("moved", {}, "Moved 0 emails (UIDs ) to the folder."),
    (
        "command",
        {"command": "UID MOVE", "arguments": "2 Done", "result": "OK", "ms": 4},
        "Moving emails went well (4 ms).",
    ),
    (
        "command",
        {"command": "UID MOVE", "result": "NO", "text": "Mailbox is full."},
        "Moving emails was refused: Mailbox is full.",
    ),
    ("command", {"command": "XYZZY", "result": "BAD"}, "The command XYZZY was refused."),
    (
        "failed",
        {"category": "connectivity", "detail": "connection reset", "retry_in_s": 4.6},
        "The server was not reached: connection reset. The next attempt is in 4.6 s.",
    ),
    ("failed", {"category": "never heard of", "retry_in_s": 600}, "It failed. The next attempt is in 10 min."),
    (
        "connected",
        {"host": "imap.example.com", "port": 993, "tls": "TLSv1.3"},
        "Connected to imap.example.com, port 993, encrypted with TLSv1.3.",
    ),
    (
        "connected",
        {"host": "localhost", "port": 143, "tls": "none"},
        "Connected to localhost, port 143, without encryption.",
    ),
    ("signed_in", {"username": "dmarc@example.com", "auth": "xoauth2"}, "Signed in as dmarc@example.com with OAuth."),
    ("a_word_of_a_later_version", {"x": 1}, "A word of a later version."),
)  # fmt: skip


@pytest.mark.parametrize(("name", "data", "text"), LINES)
def test_a_line_of_the_log_is_a_sentence(name: str, data: dict[str, Any], text: str) -> None:
    assert sentence_of(name, data).text == text


def test_facts_that_a_sentence_tells_are_not_told_again() -> None:
    data: dict[str, JsonValue] = {
        "command": "UID MOVE",
        "arguments": "2 Done",
        "result": "OK",
        "ms": 4,
        "answers": 0,
        "on": True,
        "text": "",
    }

    assert rest_of(data, sentence_of("command", data).told) == [
        ("command", "UID MOVE"), ("arguments", "2 Done"), ("answers", "0"), ("on", "yes"),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [None, "", [], {}, [1, {"a": None}], "x" * 10_000, -1, 1e300, True, "1:x,:,9:2"])
def test_facts_of_any_shape_never_fail(value: Any) -> None:
    names = {name for name, _, _ in LINES} | {"removed", "not_removed", "selected", "fetched", "searched", "unsafe"}
    fields = ("uids", "folder", "command", "result", "text", "ms", "category", "detail", "retry_in_s", "host", "mails")
    for name in names:
        data = dict.fromkeys(fields, value)
        assert sentence_of(name, data).text.endswith(".")
        rest_of(data, frozenset())


def test_every_line_that_the_fetcher_logs_has_a_sentence_of_its_own() -> None:
    fetcher = Path(__file__).parents[3] / "services" / "fetcher" / "fetcher"
    logged = set()
    for file in fetcher.rglob("*.py"):
        logged |= set(re.findall(r'log\(\s*"(?:debug|info|warning|error)"[^"]*,\s*"([a-z_]+)"', file.read_text()))
    assert len(logged) > 10
    assert logged - set(_SENTENCES) == set()
