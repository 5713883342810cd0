import string
from secrets import choice, token_hex, token_urlsafe

import pytest
from pydantic import SecretStr

from config_api.access import admin
from pipeline.settings import Settings, SettingsError


def _check(token: str) -> None:
    admin.check(Settings(admin_token=SecretStr(token)))


@pytest.mark.parametrize(
    "token",
    [
        "guess me",
        "a" * 40,
        "password" * 5,
        "0123456789abcdef" * 2,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "9876543210" * 4,
        "change-me-" * 4,
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
        " " * 40,
    ],
)
def test_a_token_that_could_be_guessed_is_refused_with_what_makes_a_good_one(token: str) -> None:
    with pytest.raises(SettingsError, match="openssl rand -hex 32") as refused:
        _check(token)
    assert token not in str(refused.value)


def test_random_tokens_are_taken_whatever_made_them() -> None:
    letters = string.ascii_lowercase + string.digits
    for _ in range(200):
        _check(token_hex(32))
        _check(token_hex(16))
        _check(token_urlsafe(24))
        _check("".join(choice(letters) for _ in range(32)))


def test_without_a_token_one_is_made() -> None:
    _check("")
