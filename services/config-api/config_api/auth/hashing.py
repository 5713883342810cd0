"""Secrets that we make are long and random, so a plain hash keeps them; only passwords need a slow one."""

from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe

RANDOM_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A secret that nobody guesses, safe in headers, cookies and links."""
    return prefix + token_urlsafe(RANDOM_BYTES)


def as_bytes(text: str) -> bytes:
    """What somebody sent as a secret, whatever characters (lone surrogates, too) it has."""
    return text.encode("utf-8", "surrogatepass")


def digest(secret: str) -> bytes:
    """What is stored of it."""
    return sha256(as_bytes(secret)).digest()


def fingerprint(stored: str) -> bytes:
    """What a session is bound to: the credential, as it is stored, that began it."""
    return sha256(stored.encode()).digest()


def same(one: bytes, other: bytes) -> bool:
    """Compares in constant time."""
    return compare_digest(one, other)
