"""A sealed secret opens with its key and beside what it belongs to, and in no other way."""

import os
from base64 import b64encode
from secrets import token_urlsafe

import pytest

from pipeline.secrets import BadSecretKey, Keyring
from tests.support.keys import ONE_KEY, OTHER_KEY, THIRD_KEY, sealed_as_before

HERE, THERE = "mailbox one at mail.example.com", "mailbox one at evil.example.net"


def test_what_was_sealed_comes_back() -> None:
    keys = Keyring(ONE_KEY)
    sealed = keys.seal("pässword", belongs_to=HERE)

    assert keys.open(sealed, belongs_to=HERE) == "pässword"
    assert "ssword" not in sealed
    assert sealed.isascii()


def test_the_same_secret_never_looks_the_same() -> None:
    assert Keyring(ONE_KEY).seal("x", belongs_to=HERE) != Keyring(ONE_KEY).seal("x", belongs_to=HERE)


def test_a_secret_does_not_open_beside_what_it_does_not_belong_to() -> None:
    keys = Keyring(ONE_KEY)

    with pytest.raises(BadSecretKey):
        keys.open(keys.seal("x", belongs_to=HERE), belongs_to=THERE)


@pytest.mark.parametrize("at", range(3, 60, 7))
def test_a_secret_that_was_changed_does_not_open(at: int) -> None:
    keys = Keyring(ONE_KEY)
    sealed = keys.seal("a secret", belongs_to=HERE)
    changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]

    with pytest.raises(BadSecretKey):
        keys.open(changed, belongs_to=HERE)


def test_every_key_of_the_list_opens_and_the_first_seals() -> None:
    sealed = Keyring(ONE_KEY).seal("x", belongs_to=HERE)
    both = Keyring(f" {OTHER_KEY} , {ONE_KEY} ,")

    assert both.open(sealed, belongs_to=HERE) == "x"
    assert not both.is_current(sealed, belongs_to=HERE)
    assert Keyring(OTHER_KEY).open(both.seal("y", belongs_to=HERE), belongs_to=HERE) == "y"


def test_a_renewed_secret_no_longer_needs_the_old_key() -> None:
    sealed = Keyring(ONE_KEY).seal("x", belongs_to=HERE)
    renewed = Keyring(f"{OTHER_KEY},{ONE_KEY}").renewed(sealed, belongs_to=HERE)

    assert Keyring(OTHER_KEY).is_current(renewed, belongs_to=HERE)
    assert Keyring(OTHER_KEY).open(renewed, belongs_to=HERE) == "x"


def test_a_renewal_does_not_give_a_secret_to_another_owner() -> None:
    keys = Keyring(ONE_KEY)

    with pytest.raises(BadSecretKey):
        keys.renewed(keys.seal("x", belongs_to=HERE), belongs_to=THERE)


@pytest.mark.parametrize("key", [ONE_KEY, "a weak key of before"])
def test_the_earlier_form_opens_only_to_be_sealed_again(key: str) -> None:
    keys = Keyring(f"{OTHER_KEY},{key}")
    before = sealed_as_before("pässword", key)

    with pytest.raises(BadSecretKey):
        keys.open(before, belongs_to=HERE)
    assert keys.open(keys.renewed(before, belongs_to=HERE), belongs_to=HERE) == "pässword"


@pytest.mark.parametrize("sealed", ["", "garbage", "ü", "v2.", "v2.ü", "v2.AAAA", "v2.!", f"v2.{'A' * 4000}"])
def test_a_secret_that_no_key_opens_is_told_without_showing_it(sealed: str) -> None:
    for attempt in (Keyring(THIRD_KEY).open, Keyring(THIRD_KEY).renewed):
        with pytest.raises(BadSecretKey) as caught:
            attempt(sealed, belongs_to=HERE)

        assert "DMARQ_SECRET_KEY" in str(caught.value)
        assert THIRD_KEY not in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        "",
        " , ",
        "short",
        f"short,{ONE_KEY}",
        "a" * 100,
        "0123456789" * 10,
        "correct horse battery staple and more " * 20,
        "Correct-Horse-Battery-Staple-And-Some-More-Words-Of-Them",
        "eb23076a9bbd87d102e055626096f49a5254973a40e9e6ed",  # 24 random bytes
        "tEsTXwG70TvBwitTnDosVmqN9K/H+sZE",  # 24 random bytes
    ],
)
def test_a_key_that_is_missing_or_can_be_guessed_is_refused_with_the_command_that_makes_one(keys: str) -> None:
    with pytest.raises(BadSecretKey) as caught:
        Keyring(keys)

    assert "DMARQ_SECRET_KEY" in str(caught.value)
    assert "openssl rand -base64 32" in str(caught.value)
    assert keys.strip(" ,") in {"", "short"} or keys not in str(caught.value)
    assert ONE_KEY not in str(caught.value)


def test_every_random_key_of_32_bytes_is_taken() -> None:
    for _ in range(200):
        Keyring(b64encode(os.urandom(32)).decode())
        Keyring(os.urandom(32).hex())
        Keyring(token_urlsafe(32))
