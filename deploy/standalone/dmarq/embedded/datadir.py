"""The data directory of everything on one machine: its lock, its secrets, its logs.

One lock for all: children hold it too, so who gets it knows that neither another `dmarq` nor a server left by one still
works in here.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from dmarq.embedded.errors import BadDataDir, DataDirBusy
from pipeline.secrets import WANTED_BITS, entropy_bits

ORPHANS_END_S = 10.0
RETRY_S = 0.05
SECRET_BYTES = 32


class DataDir:
    """A context manager: entered, the directory exists and is ours alone. Raises DataDirBusy when it is another's."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: int | None = None

    def __enter__(self) -> Self:
        # Root's directory lets an unprivileged account pass to the one subdirectory that is its own.
        try:
            self.path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise BadDataDir(self.path, error.strerror or str(error)) from None
        try:
            self._acquire(lock)
        except DataDirBusy:
            os.close(lock)
            raise
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.lock_fd)
        self._lock = None

    @property
    def lock_fd(self) -> int:
        """The descriptor that holds the lock; every process that has it open holds the lock."""
        if self._lock is None:
            raise RuntimeError("the data directory is not entered")
        return self._lock

    def log(self, name: str) -> Path:
        """The path of a child's log file."""
        return self.path / "log" / f"{name}.log"

    def secret(self, name: str) -> str:
        """A random secret of 256 bits, made once and kept in a file that only its owner can read."""
        path = self._secret_path(name)
        if not path.exists():
            self._write_secret(name, secrets.token_urlsafe(SECRET_BYTES))
        return path.read_text()

    def key_list(self, name: str) -> str:
        """A list of keys, the first of which encrypts: a new one comes before what an earlier version made too weak."""
        keys = self.secret(name)
        if entropy_bits(keys.partition(",")[0]) < WANTED_BITS:
            self._write_secret(name, f"{secrets.token_urlsafe(SECRET_BYTES)},{keys}")
        return self.secret(name)

    def _secret_path(self, name: str) -> Path:
        return self.path / f"{name}.secret"

    def _write_secret(self, name: str, text: str) -> None:
        path = self._secret_path(name)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        unfinished.rename(path)

    def _acquire(self, lock: int) -> None:
        """Take the lock. Servers whose owner was killed end within moments, so they are waited for."""
        for _ in range(int(ORPHANS_END_S / RETRY_S)):
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            holder = _process_in(lock)
            if holder is not None and _alive(holder):
                raise DataDirBusy(self.path, holder=holder)
            time.sleep(RETRY_S)
        raise DataDirBusy(self.path, holder=None)


@contextmanager
def temporary_data_dir() -> Iterator[DataDir]:
    """A data directory that is removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="dmarq-"))
    if os.geteuid() == 0:
        path.chmod(0o711)
    try:
        with DataDir(path) as data:
            yield data
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _process_in(lock: int) -> int | None:
    text = os.pread(lock, 32, 0)
    return int(text) if text.isdigit() else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
