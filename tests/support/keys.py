"""Keys for tests, each of 32 random bytes, and a sealer of the form of earlier versions."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ONE_KEY = "dGVzdHMgb25seTogOGQyN2Y5MTVlNGI2YTNjMHpRdwx="
OTHER_KEY = "Zk8vQ2xN5rT1wYb7HsJ4mGd0eUo9iPc6aLf3XyVtBqE="
THIRD_KEY = "p7Wn0RkXz3MhV5uQe8LtGs2JdYb6CfAo1iNxKvTqHwU="


def sealed_as_before(plain: str, key: str) -> str:
    """As versions sealed that bound a secret to nothing."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"dmarq mailbox secrets")
    return Fernet(urlsafe_b64encode(hkdf.derive(key.encode()))).encrypt(plain.encode()).decode()
