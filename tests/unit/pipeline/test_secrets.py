import pytest

from pipeline.secrets import BadSecretKey, Keyring

OLD, NEW = "an old key, long enough".replace(",", ""), "a new key and long enough"


def test_what_was_encrypted_comes_back() -> None:
    keys = Keyring(OLD)
    token = keys.encrypt("pässword")

    assert keys.decrypt(token) == "pässword"
    assert "ssword" not in token
    assert token.isascii()


def test_the_same_secret_never_looks_the_same() -> None:
    assert Keyring(OLD).encrypt("x") != Keyring(OLD).encrypt("x")


def test_every_key_of_the_list_decrypts_and_the_first_encrypts() -> None:
    token = Keyring(OLD).encrypt("x")
    both = Keyring(f" {NEW} , {OLD} ,")

    assert both.decrypt(token) == "x"
    assert Keyring(NEW).decrypt(both.encrypt("y")) == "y"


def test_a_rotated_secret_no_longer_needs_the_old_key() -> None:
    rotated = Keyring(f"{NEW},{OLD}").rotate(Keyring(OLD).encrypt("x"))

    assert Keyring(NEW).decrypt(rotated) == "x"


@pytest.mark.parametrize(
    "token", ["", "garbage", "ü", pytest.param(Keyring("quite another key").encrypt("x"), id="of another key")]
)
def test_a_secret_that_no_key_opens_is_told_without_showing_it(token: str) -> None:
    with pytest.raises(BadSecretKey) as caught:
        Keyring(OLD).decrypt(token)

    assert "DMARQ_SECRET_KEY" in str(caught.value)
    assert OLD not in str(caught.value)


@pytest.mark.parametrize("keys", ["", " , ", "short", f"{OLD},short"])
def test_a_key_that_is_missing_or_too_short_is_refused_without_showing_it(keys: str) -> None:
    with pytest.raises(BadSecretKey) as caught:
        Keyring(keys)

    assert "DMARQ_SECRET_KEY" in str(caught.value)
    assert "short," not in str(caught.value)
    assert OLD not in str(caught.value)
