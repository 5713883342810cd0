"""Secrets at rest: encrypted with the first key, decrypted with any, so that keys can be rotated."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MIN_KEY_LENGTH = 16


class BadSecretKey(ValueError):
    """DMARQ_SECRET_KEY is missing, too short, or not the one that the secret was encrypted with."""


class Keyring:
    """The keys of DMARQ_SECRET_KEY: a comma-separated list; the first encrypts, all decrypt."""

    def __init__(self, keys: str) -> None:
        """Raises BadSecretKey where a key is missing or too short to be one."""
        parts = [key.strip() for key in keys.split(",") if key.strip()]
        if not parts:
            raise BadSecretKey("DMARQ_SECRET_KEY is not set; make one with: openssl rand -base64 32")
        if any(len(key) < MIN_KEY_LENGTH for key in parts):
            raise BadSecretKey(f"DMARQ_SECRET_KEY has a key shorter than {MIN_KEY_LENGTH} characters")
        self._first = Fernet(_derive(parts[0]))
        self._fernet = MultiFernet([self._first, *(Fernet(_derive(key)) for key in parts[1:])])

    def encrypt(self, plain: str) -> str:
        """The text, encrypted and authenticated, as URL-safe ASCII."""
        return self._fernet.encrypt(plain.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text. Raises BadSecretKey when no key of the list fits."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise BadSecretKey("no key in DMARQ_SECRET_KEY opens this secret; add the key it was made with") from None

    def is_current(self, token: str) -> bool:
        """Whether the secret is under the first key."""
        try:
            self._first.decrypt(token.encode())
        except InvalidToken:
            return False
        return True

    def rotate(self, token: str) -> str:
        """The same secret under the first key. Raises BadSecretKey when no key of the list fits."""
        return self.encrypt(self.decrypt(token))


def _derive(key: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"dmarq mailbox secrets")
    return urlsafe_b64encode(hkdf.derive(key.encode()))
