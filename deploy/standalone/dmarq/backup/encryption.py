"""A stream that a passphrase opens: scrypt (RFC 7914) and AES-256-GCM over chunks, arranged as age does.

    MAGIC  salt (16 bytes)  chunk...

A chunk is 64 KiB of plain text and 16 bytes of tag; the last one may be shorter. Its nonce is its number, and a last
byte that is 1 for the last chunk: so chunks cannot be left out, exchanged or cut off at the end. Every file has a key
of its own, by its salt. Magic and salt are authenticated with each chunk.
"""

import io
import os
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from dmarq.backup import BackupError

MAGIC = b"dmarq-backup-encrypted-1\n"
SALT_BYTES = 16
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1  # 128 MiB and about half a second a guess
WRONG = "the passphrase is wrong, or the file is damaged"


class EncryptingWriter(io.RawIOBase):
    """Takes plain text, writes the encrypted form to a file. Complete only after `close`; that file stays open."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._file = file
        salt = os.urandom(SALT_BYTES)
        self._head = MAGIC + salt
        self._cipher = _cipher(passphrase, salt)
        self._pending = bytearray()
        self._number = 0
        file.write(self._head)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # the buffer of a gzip file
        """Encrypts what fills a chunk, keeps the rest."""
        self._pending += data
        while len(self._pending) > CHUNK_BYTES:
            self._seal(bytes(self._pending[:CHUNK_BYTES]), is_last=False)
            del self._pending[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        """Writes the last chunk."""
        if not self.closed:
            self._seal(bytes(self._pending), is_last=True)
        super().close()

    def _seal(self, plain: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), plain, self._head))
        self._number += 1


class DecryptingReader(io.RawIOBase):
    """Reads plain text from an encrypted file, whose magic is read already. Every byte it gives is authentic.

    Raises BackupError where the passphrase is wrong, and where the file is damaged or cut off.
    """

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._file = file
        salt = file.read(SALT_BYTES)
        self._head = MAGIC + salt
        self._cipher = _cipher(passphrase, salt)
        self._next = file.read(CHUNK_BYTES + TAG_BYTES)
        self._number = 0
        self._plain = memoryview(b"")
        self._is_over = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer with up to a chunk; 0 at the end."""
        while not self._plain and not self._is_over:
            self._open_next()
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _open_next(self) -> None:
        sealed, self._next = self._next, self._file.read(CHUNK_BYTES + TAG_BYTES)
        self._is_over = not self._next
        nonce = _nonce(self._number, is_last=self._is_over)
        try:
            self._plain = memoryview(self._cipher.decrypt(nonce, sealed, self._head))
        except (InvalidTag, ValueError):
            raise BackupError(WRONG) from None
        self._number += 1


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])
