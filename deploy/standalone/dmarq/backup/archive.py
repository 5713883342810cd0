"""What a backup holds: the secrets, the streams and the database cluster of a data directory that nobody works in.

A gzipped tar: `manifest.json`, `secrets/NAME`, `nats/...`, `postgres/...` (the cluster), and `complete` at the end,
without which it was cut off. Only directories and regular files; owners and modes are not kept, those of this machine
are made again. Logs and what each start writes are not in it. PostgreSQL's configuration is made again, too: it may
name programs to run.
"""

import gzip
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO

from dmarq.backup import BackupError

FORMAT = 1
MANIFEST, COMPLETE = "manifest.json", "complete"
SECRETS, NATS, POSTGRES = "secrets", "nats", "postgres"
LEFT_OUT = frozenset({"postmaster.pid", "postmaster.opts"})  # of a server that ran
CONFIGURATION = {  # of the cluster, as it is after a restore; `dmarq run` gives address and port with each start
    "postgresql.conf": b"# written by dmarq restore\n",
    "postgresql.auto.conf": b"",
    "pg_hba.conf": b"host all all 127.0.0.1/32 scram-sha-256\n",
    "pg_ident.conf": b"",
}
NOT_OF_A_STOPPED_SERVER = frozenset({"standby.signal", "recovery.signal", "backup_label", "tablespace_map"})
MAX_MANIFEST_BYTES = 64 * 1024
PIECE_BYTES = 1024 * 1024
UNREADABLE = (  # by what a file raises that is none; also a place in it below no directory, or that is there twice
    tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, RecursionError,
    FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError,
)  # fmt: skip
DAMAGED = "the file is no backup, or it is damaged or cut off"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `made_at` is ISO 8601."""

    made_at: str
    dmarq: str
    postgres: str
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a data directory are."""

    data: Path
    cluster: Path

    def secrets(self) -> list[Path]:
        """The files with its secrets."""
        return sorted(self.data.glob("*.secret"))


def write(file: IO[bytes], places: Places, *, made_at: str) -> Manifest:
    """Writes the backup. The directory must not be worked in. Raises BackupError for what a backup cannot hold."""
    postgres = (places.cluster / "PG_VERSION").read_text().strip()
    manifest = Manifest(made_at=made_at, dmarq=version("dmarq"), postgres=postgres)
    with (
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=3, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        _add_bytes(tar, MANIFEST, json.dumps(asdict(manifest)).encode())
        for secret in places.secrets():
            _add(tar, secret, f"{SECRETS}/{secret.name}")
        _add_tree(tar, places.data / "nats", NATS)
        _add_tree(tar, places.cluster, POSTGRES)
        _add_bytes(tar, COMPLETE, b"")
    return manifest


def read(file: IO[bytes], places: Places) -> Manifest:
    """Puts the parts of a backup in their places, which are empty. Raises BackupError; what is there then is no use."""
    with _damage_told(), gzip.GzipFile(fileobj=file) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
        members = iter(tar)
        manifest = _manifest(tar, next(members, None))
        is_complete = False
        for member in members:
            if member.name == COMPLETE:
                is_complete = True
                continue
            _extract(tar, member, _target(member.name, places))
        _configure(places.cluster)
        while packed.read(PIECE_BYTES):  # its checksum is at the very end
            continue
    if not is_complete:
        raise BackupError(DAMAGED)
    return manifest


def _add_tree(tar: tarfile.TarFile, root: Path, name: str) -> None:
    _add(tar, root, name)
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders.sort()
        for each in (*folders, *sorted(names)):
            path = Path(folder) / each
            if each not in LEFT_OUT:
                _add(tar, path, f"{name}/{path.relative_to(root).as_posix()}")


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_symlink() or not (path.is_dir() or path.is_file()):
        raise BackupError(f"{path} is a link or a device: a backup holds directories and files only")
    info = tarfile.TarInfo(name)
    if path.is_dir():
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
        return
    with path.open("rb") as file:
        info.size = os.fstat(file.fileno()).st_size
        tar.addfile(info, file)


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _raise(error: OSError) -> None:
    raise error


def _manifest(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> Manifest:
    file = tar.extractfile(member) if member is not None and member.name == MANIFEST and member.isreg() else None
    if file is None:
        raise BackupError(DAMAGED)
    found = json.loads(file.read(MAX_MANIFEST_BYTES))
    if not isinstance(found, dict):
        raise BackupError(DAMAGED)
    if found.get("format") != FORMAT:
        raise BackupError(f"the backup is of a later version ({found.get('dmarq')}): upgrade dmarq first")
    return Manifest(made_at=str(found["made_at"]), dmarq=str(found["dmarq"]), postgres=str(found["postgres"]))


def _target(name: str, places: Places) -> Path:
    parts = PurePosixPath(name).parts
    roots = {SECRETS: places.data, NATS: places.data / "nats", POSTGRES: places.cluster}
    is_secret = len(parts) == 2 and name.endswith(".secret")
    if ".." in parts or not parts or parts[0] not in roots or (parts[0] == SECRETS and not is_secret):
        raise BackupError(DAMAGED)
    if parts[0] == POSTGRES and parts[-1] in NOT_OF_A_STOPPED_SERVER:
        raise BackupError(DAMAGED)
    return roots[parts[0]].joinpath(*parts[1:])


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(mode=0o700)
        return
    source = tar.extractfile(member) if member.isreg() and not member.issparse() else None
    if source is None:  # a sparse file of a few bytes could be as large as any disk
        raise BackupError(DAMAGED)
    with source, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while piece := source.read(PIECE_BYTES):
            file.write(piece)


def _configure(cluster: Path) -> None:
    for name, text in CONFIGURATION.items():
        path = cluster / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise BackupError(DAMAGED) from error
