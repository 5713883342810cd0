"""An archive that somebody made to look like a backup is refused in one sentence, and writes nothing elsewhere."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dmarq.backup import BackupError, archive
from dmarq.backup.archive import Places

MANIFEST = json.dumps({"format": 1, "made_at": "2026-11-20T12:00:00+00:00", "dmarq": "1.0", "postgres": "15"}).encode()
NESTED_HEADERS = 3000


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        tar.addfile(info)

    return add


def _twice(tar: tarfile.TarFile) -> None:
    _member("secrets/a.secret")(tar)
    _member("secrets/a.secret")(tar)


def _pax(**headers: str) -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("nats")
        info.pax_headers = headers
        tar.addfile(info)
        _member("nats/a/b")(tar)  # in no directory, should the headers themselves do no harm

    return add


def _sparse(tar: tarfile.TarFile) -> None:
    """A kilobyte that says it is 50 MB of zeros."""
    _member("nats", tarfile.DIRTYPE)(tar)
    _member("postgres", tarfile.DIRTYPE)(tar)
    info = tarfile.TarInfo("nats/huge")
    info.pax_headers = {"GNU.sparse.size": "50000000", "GNU.sparse.numblocks": "0", "GNU.sparse.map": "0,0"}
    tar.addfile(info)


def _tree(*names: str, text: bytes = b"") -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        for root in ("nats", "postgres"):
            _member(root, tarfile.DIRTYPE)(tar)
        for name in names:
            info = tarfile.TarInfo(f"postgres/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))

    return add


def _headers_of_headers(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("x")
    info.type = tarfile.GNUTYPE_LONGNAME
    assert tar.fileobj is not None
    for _ in range(NESTED_HEADERS):
        tar.fileobj.write(info.tobuf(tarfile.USTAR_FORMAT))


def _archive(add: Callable[[tarfile.TarFile], None], *, manifest: bytes = MANIFEST) -> io.BytesIO:
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(manifest)
        tar.addfile(info, io.BytesIO(manifest))
        add(tar)
        _member("complete")(tar)
    file.seek(0)
    return file


def _refused(file: io.BytesIO, directory: Path) -> None:
    data = directory / "data"
    data.mkdir()
    with pytest.raises(BackupError, match="damaged"):
        archive.read(file, Places(data, data / "cluster"))
    assert [path.name for path in directory.iterdir()] == ["data"]


@pytest.mark.parametrize(
    "add",
    [
        _member("nats/../../outside"), _member("/outside"), _member("nats", tarfile.SYMTYPE, "/tmp"),
        _member("nats", tarfile.LNKTYPE, "manifest.json"), _member("nats", tarfile.FIFOTYPE),
        _member("secrets/a/b.secret"), _member("secrets/lock"), _member("nats/a/b"), _twice, _headers_of_headers,
        _pax(path="/outside"), _pax(path="nats/../../outside"), _pax(size="-1"), _pax(size="9" * 5000),
        _pax(linkpath="/"), _sparse,
        _tree("tablespace_map"), _tree("recovery.signal"),
    ],
)  # fmt: skip
def test_a_member_that_no_backup_has_is_refused(add: Callable[[tarfile.TarFile], None], tmp_path: Path) -> None:
    _refused(_archive(add), tmp_path)


@pytest.mark.parametrize("manifest", [b"[]", b"5", b"null", b"[" * 60_000, b'{"format": 1}', b"\xff"])
def test_a_manifest_that_is_none_is_refused(manifest: bytes, tmp_path: Path) -> None:
    _refused(_archive(lambda tar: None, manifest=manifest), tmp_path)


def test_the_configuration_of_postgresql_is_not_taken_from_a_backup(tmp_path: Path) -> None:
    """It may name programs that the server runs."""
    hostile = b"archive_command = 'touch /tmp/owned'\nshared_preload_libraries = '/tmp/owned'\n"
    names = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf")
    data = tmp_path / "data"
    data.mkdir()

    archive.read(_archive(_tree(*names, text=hostile)), Places(data, data / "cluster"))

    assert {path.name for path in (data / "cluster").iterdir()} == set(archive.CONFIGURATION)
    assert not any(b"owned" in path.read_bytes() for path in (data / "cluster").iterdir())
