"""Making a backup of a data directory and restoring one, each in full or not at all.

Both write beside their target, under its name and `.unfinished`, and rename at the end; what a killed one left there is
removed by the next. The lock of the directory is held meanwhile: a backup of a system that runs would tear NATS and
PostgreSQL apart, so there is none.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from dmarq.backup import BackupError, archive
from dmarq.backup.archive import Manifest, Places
from dmarq.backup.encryption import MAGIC, DecryptingReader, EncryptingWriter
from dmarq.embedded import DataDir, Unreachable
from dmarq.embedded.account import Account, can_pass, private_directory, unprivileged_account

UNFINISHED = ".unfinished"


def back_up(directory: Path, file: Path, *, passphrase: str = "") -> Manifest:
    """Writes the backup file; encrypted where there is a passphrase. Raises EmbeddedError, OSError."""
    directory, file = directory.expanduser().resolve(), file.expanduser().absolute()
    if file.exists():
        raise BackupError(f"{file} exists: choose another name")
    for part in ("nats", "postgres.secret"):
        if not (directory / part).exists():
            raise BackupError(
                f"{directory} is no data directory with NATS and PostgreSQL of its own ({part} is missing):"
                " name that of `dmarq run` in DMARQ_DATA_DIR, or with --data-dir"
            )
    with DataDir(directory) as data:
        home = private_directory(data.path / "postgres", unprivileged_account())
        places = Places(data.path, home / "cluster")
        if not places.cluster.is_dir():
            raise BackupError(f"{places.cluster} is missing: PostgreSQL has not run here yet")
        with _written(file) as target:
            made_at = datetime.now(UTC).isoformat(timespec="seconds")
            if not passphrase:
                return archive.write(target, places, made_at=made_at)
            with EncryptingWriter(target, passphrase) as encrypting:
                return archive.write(encrypting, places, made_at=made_at)  # type: ignore[arg-type]


def restore(file: Path, directory: Path, *, passphrase: Callable[[], str]) -> Manifest:
    """Makes the data directory, which must be empty or not exist. `passphrase` is asked where the file is encrypted.

    Raises EmbeddedError, OSError.
    """
    directory = directory.expanduser().resolve()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupError(f"{directory} is not empty: a backup is restored into an empty directory")
    account = unprivileged_account()
    directory.parent.mkdir(parents=True, exist_ok=True)
    if account is not None and not can_pass(account, directory.parent):
        remedy = "allow it to pass (chmod o+x), or restore elsewhere"
        raise Unreachable(directory.parent, account=account.name, remedy=remedy)
    with file.open("rb") as source:
        start = source.read(len(MAGIC))
        word = passphrase() if start == MAGIC else ""
        if start != MAGIC:
            source.seek(0)
        plain = DecryptingReader(source, word) if word else source
        return _restored(plain, directory, account)  # type: ignore[arg-type]


def _restored(source: IO[bytes], directory: Path, account: Account | None) -> Manifest:
    unfinished = directory.with_name(directory.name + UNFINISHED)
    with DataDir(unfinished) as data:
        _empty(data.path)
        try:
            home = private_directory(data.path / "postgres", account)
            manifest = archive.read(source, Places(data.path, home / "cluster"))
            _give(home, account)
            os.sync()
            unfinished.rename(directory)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        _sync_names(directory.parent)
    return manifest


@contextmanager
def _written(file: Path) -> Iterator[IO[bytes]]:
    """A file that is there under its name when the block ends well, and only then; for its owner alone."""
    unfinished = file.with_name(file.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        _name(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_names(file.parent)


def _name(unfinished: Path, file: Path) -> None:
    """Unlike a rename never over a file that came meanwhile, where the file system knows links."""
    try:
        os.link(unfinished, file)
    except FileExistsError:
        raise BackupError(f"{file} exists: choose another name") from None
    except OSError:
        unfinished.rename(file)


def _empty(directory: Path) -> None:
    """But for the lock, which is ours."""
    for path in directory.iterdir():
        if path.name == "lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _give(home: Path, account: Account | None) -> None:
    """PostgreSQL refuses a cluster that belongs to another account."""
    if account is None:
        return
    for folder, _, names in os.walk(home):
        for path in (Path(folder), *(Path(folder) / name for name in names)):
            os.chown(path, account.uid, account.gid)


def _sync_names(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
