"""JSON for PostgreSQL holds no character that it cannot store."""

import json

import pytest

from pipeline.contracts.mail import LineOutcome, PartLine
from pipeline.postgres.types import (
    Json,
    encoded,
    inet_from_wire,
    inet_to_wire,
    jsonb_from_wire,
    jsonb_to_wire,
    storable,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": "plain"}, {"a": "plain"}),
        ({"a\x00": ["\x00", ("x\x00",)]}, {"a\ufffd": ["\ufffd", ["x\ufffd"]]}),
        ({"a\ud800": 1}, {"a\ufffd": 1}),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("a backslash before it: \\\x00", "a backslash before it: \\\ufffd"),
        ("only its spelling: \\u0000", "only its spelling: \\u0000"),
    ],
)
def test_unstorable_characters_become_replacement_characters(value: object, expected: object) -> None:
    assert json.loads(encoded(value)) == expected


@pytest.mark.parametrize("character", ["\x00", "\ud800"])
def test_models_are_encoded_and_their_texts_are_made_storable(character: str) -> None:
    line = PartLine(path="1", name=f"a{character}b", outcome=LineOutcome.STORED, repairs=("x",))

    found = json.loads(encoded({"lines": (line,)}))["lines"][0]

    assert (found["path"], found["name"], found["outcome"], found["repairs"]) == ("1", "a\ufffdb", "stored", ["x"])


def test_json_that_is_encoded_already_is_taken_as_it_is() -> None:
    assert jsonb_from_wire(jsonb_to_wire(Json(encoded({"a": [1]})))) == {"a": [1]}


def test_a_text_without_them_stays_as_it_is() -> None:
    assert storable("Zürich \U0001f600") == "Zürich \U0001f600"


@pytest.mark.parametrize("value", [None, 1, "text", [1, {"a": None}], {}])
def test_a_jsonb_comes_back_as_it_went(value: object) -> None:
    assert jsonb_from_wire(jsonb_to_wire(value)) == value


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "::", "255.255.255.255"])
def test_an_address_comes_back_as_it_went(address: str) -> None:
    assert inet_from_wire(inet_to_wire(address)) == address


def test_a_network_is_shown_with_its_mask() -> None:
    assert inet_from_wire(bytes((2, 24, 0, 4, 192, 0, 2, 0))) == "192.0.2.0/24"


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(OSError, match="illegal IP address"):
        inet_to_wire("mail.example.com")
