"""Statements are found by name in a file of SQL."""

import pytest

from pipeline.postgres.statements import Statements

TEXT = """\
-- A head that says what the file is.

-- name: first
-- Does one thing.
SELECT 1;

-- name: second
-- Does another.
SELECT 2
"""


def test_a_statement_is_found_by_its_name() -> None:
    assert Statements(TEXT)["first"] == "-- Does one thing.\nSELECT 1"
    assert list(Statements(TEXT)) == ["first", "second"]


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        Statements(TEXT)["third"]


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="two statements of one name"):
        Statements(TEXT + "-- name: first\n-- Again.\nSELECT 3\n")
