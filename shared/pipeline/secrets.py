"""Secrets at rest: sealed with the first key, opened with any, and only as what they belong to.

A sealed secret is `v2.` and, in URL-safe base64, a salt (16 bytes), a nonce (12) and the ciphertext of AES-256-GCM. Its
key is derived from one of DMARQ_SECRET_KEY and its salt by HKDF (RFC 5869). What it belongs to (a mailbox and where its
secrets are sent) is the associated data: beside other settings it does not open.

Earlier versions sealed without that (Fernet): such a secret is opened once, to be sealed again.

How hard a key is to guess is estimated from its text alone.
"""

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import pairwise
from math import log2

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORM = "v2."
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
INFO = b"dmarq sealed secret v2"
FERNET_INFO = b"dmarq mailbox secrets"
MAKE_ONE = "make one with: openssl rand -base64 32"
UNOPENED = (
    "no key in DMARQ_SECRET_KEY opens this secret as it stands: add the key it was made with; or its mailbox, server or"
    " user was changed by something else than config-api"
)


class BadSecretKey(ValueError):
    """DMARQ_SECRET_KEY is missing, too weak, or not the one that the secret was sealed with."""


class Keyring:
    """The keys of DMARQ_SECRET_KEY: a comma-separated list; the first seals, all open."""

    def __init__(self, keys: str) -> None:
        """Raises BadSecretKey where the first key is missing or has less entropy than 32 random bytes.

        A later key may be a weak one of an earlier version: it opens what it once sealed.
        """
        self._keys = [key.strip().encode() for key in keys.split(",") if key.strip()]
        if not self._keys:
            raise BadSecretKey(f"DMARQ_SECRET_KEY is not set; {MAKE_ONE}")
        if entropy_bits(self._keys[0].decode()) < WANTED_BITS:
            raise BadSecretKey(
                f"DMARQ_SECRET_KEY can be guessed: its first key must hold {KEY_BYTES} random bytes; {MAKE_ONE}"
                " - and put it before the present one, with a comma in between"
            )

    def seal(self, plain: str, *, belongs_to: str) -> str:
        """The text, encrypted under the first key and bound to what it belongs to, as URL-safe ASCII."""
        salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
        ciphertext = _cipher(self._keys[0], salt).encrypt(nonce, plain.encode(), belongs_to.encode())
        return FORM + urlsafe_b64encode(salt + nonce + ciphertext).decode()

    def open(self, sealed: str, *, belongs_to: str) -> str:
        """The text. Raises BadSecretKey when no key opens it as belonging to this, or it is of the earlier form."""
        for key in self._keys:
            plain = _opened(key, sealed, belongs_to)
            if plain is not None:
                return plain
        raise BadSecretKey(UNOPENED)

    def is_current(self, sealed: str, *, belongs_to: str) -> bool:
        """Whether the secret is of the present form, and under the first key."""
        return _opened(self._keys[0], sealed, belongs_to) is not None

    def renewed(self, sealed: str, *, belongs_to: str) -> str:
        """The same secret of the present form under the first key; the earlier form is taken as belonging to this.

        Raises BadSecretKey when no key of the list opens it.
        """
        plain = self.open(sealed, belongs_to=belongs_to) if sealed.startswith(FORM) else self._from_fernet(sealed)
        return self.seal(plain, belongs_to=belongs_to)

    def _from_fernet(self, token: str) -> str:
        for key in self._keys:
            try:
                return Fernet(urlsafe_b64encode(_derived(key, None, FERNET_INFO))).decrypt(token.encode()).decode()
            except InvalidToken:
                continue
        raise BadSecretKey(UNOPENED)


def _opened(key: bytes, sealed: str, belongs_to: str) -> str | None:
    if not sealed.startswith(FORM) or not sealed.isascii():
        return None
    try:
        packed = urlsafe_b64decode(sealed.removeprefix(FORM))
        salt, nonce = packed[:SALT_BYTES], packed[SALT_BYTES : SALT_BYTES + NONCE_BYTES]
        plain = _cipher(key, salt).decrypt(nonce, packed[SALT_BYTES + NONCE_BYTES :], belongs_to.encode())
    except (InvalidTag, ValueError):
        return None
    return plain.decode()


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(_derived(key, salt, INFO))


def _derived(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)


WANTED_BITS = 256  # 32 random bytes
PIECE = 8  # characters; a random text as long as a key does not repeat a piece of this length
WORD_BITS_PER_CHARACTER = 2.0  # English text has 1 to 1.5 (Shannon 1951)
MOSTLY = 0.6  # a random text has a few short runs, too
ALPHABETS = (("0-9", 10), ("0-9a-f", 16), ("0-9A-F", 16), ("0-9a-z", 36), ("0-9A-Z", 36), ("0-9A-Za-z", 62))
ANY = 64  # base64; what is typed by hand gets no credit for rarer characters


def entropy_bits(text: str) -> float:
    """At most so many bits: what repeats itself counts once, what looks like words counts as words.

    >>> entropy_bits("a" * 64) < 32
    True
    """
    bare = _without_runs(text)
    text = bare if len(bare) < len(text) * MOSTLY else text
    pieces = {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}
    length = min(len(text), len(pieces) + PIECE - 1)
    return length * (WORD_BITS_PER_CHARACTER if _is_words(text) else log2(_alphabet(text)))


def _without_runs(text: str) -> str:
    """The text without what follows from the two characters before: "abcdef", "8642", "aaaa"."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    follows = [False, False, *(step == before for before, step in pairwise(steps))]
    return "".join(character for character, known in zip(text, follows, strict=False) if not known)


def _alphabet(text: str) -> int:
    return next((size for characters, size in ALPHABETS if re.fullmatch(f"[{characters}]*", text)), ANY)


def _is_words(text: str) -> bool:
    """Letters without a digit, few of them capitals: a random text of the length of a key is never like that."""
    capitals = sum(c.isupper() for c in text)
    return not any(c.isdigit() for c in text) and (capitals < len(text) / 5 or text.isupper())
