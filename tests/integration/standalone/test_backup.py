"""`dmarq backup` and `dmarq restore`: everything comes back, and what is killed half way leaves nothing half-made."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import nats
import pytest

from dmarq.embedded import DataDir, EmbeddedNats, EmbeddedPostgres

DMARQ = Path(sys.prefix) / "bin" / "dmarq"
PASSPHRASE = "correct horse battery staple"
ROWS = 20_000


@pytest.fixture(scope="module")
def reachable() -> Iterator[Path]:
    """An empty directory that everybody may pass, as the account of PostgreSQL must."""
    with tempfile.TemporaryDirectory(prefix="dmarq-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def made(reachable: Path) -> Path:
    """A data directory in which both servers have been at work."""
    path = reachable / "data"
    with DataDir(path) as data, EmbeddedNats(data) as broker, EmbeddedPostgres(data, durable=False) as postgres:
        asyncio.run(_filled(broker.url, postgres.url))
        data.secret("admin")
    return path


@pytest.fixture
def place(reachable: Path) -> Path:
    """An empty directory of the test's own."""
    path = Path(tempfile.mkdtemp(dir=reachable))
    path.chmod(0o711)
    return path


@pytest.fixture
def word(place: Path) -> Path:
    path = place / "passphrase"
    path.write_text(f"{PASSPHRASE}\n")
    return path


async def _filled(nats_url: str, postgres_url: str) -> None:
    async with await nats.connect(nats_url) as client:
        js = client.jetstream()
        await js.add_stream(name="MAIL", subjects=["mail.>"])
        await js.publish("mail.one", b"first")
        bucket = await js.create_key_value(bucket="cursor")
        await bucket.put("m", b"17")
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        f"CREATE TABLE report AS SELECT n, md5(n::text) AS text FROM generate_series(1, {ROWS}) AS n"
    )
    await connection.close()


async def _kept(nats_url: str, postgres_url: str) -> tuple[bytes, bytes, int]:
    async with await nats.connect(nats_url) as client:
        js = client.jetstream()
        mail = (await js.get_last_msg("MAIL", "mail.one")).data or b""
        cursor = (await (await js.key_value("cursor")).get("m")).value or b""
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetchval("SELECT count(DISTINCT text) FROM report")
    await connection.close()
    return mail, cursor, rows


def kept(directory: Path) -> tuple[bytes, bytes, int]:
    with DataDir(directory) as data, EmbeddedNats(data) as broker, EmbeddedPostgres(data, durable=False) as postgres:
        return asyncio.run(_kept(broker.url, postgres.url))


def dmarq(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([DMARQ, *map(str, arguments)], capture_output=True, text=True, check=False)


def killed_when(condition: Callable[[], bool], *arguments: str | Path) -> None:
    with subprocess.Popen([DMARQ, *map(str, arguments)]) as process:
        while not condition():
            assert process.poll() is None, "it was too quick to be killed"
            time.sleep(0.001)
        process.kill()


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_everything_comes_back_in_an_empty_directory(
    made: Path, place: Path, word: Path, *, is_encrypted: bool
) -> None:
    options = ("--passphrase-file", word) if is_encrypted else ()
    file, there = place / "backup", place / "there"

    done = dmarq("backup", file, "--data-dir", made, *options)
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert (PASSPHRASE.encode() in file.read_bytes()) is False

    done = dmarq("restore", file, "--data-dir", there, *options)
    assert done.returncode == 0, done.stderr
    assert (there / "admin.secret").read_text() == (made / "admin.secret").read_text()
    assert kept(there) == (b"first", b"17", ROWS)
    assert sorted(path.name for path in place.iterdir()) == ["backup", "passphrase", "there"]


def test_while_somebody_works_in_the_directory_there_is_no_backup(made: Path, place: Path) -> None:
    with DataDir(made):
        done = dmarq("backup", place / "backup", "--data-dir", made)

    assert done.returncode == 1
    assert "is in use by process" in done.stderr
    assert list(place.iterdir()) == []


def test_a_backup_that_is_killed_half_way_leaves_no_backup_and_the_next_one_is_whole(made: Path, place: Path) -> None:
    file, unfinished = place / "backup", place / "backup.unfinished"

    killed_when(lambda: unfinished.exists() and unfinished.stat().st_size > 100_000, "backup", file, "--data-dir", made)

    assert not file.exists()
    assert dmarq("backup", file, "--data-dir", made).returncode == 0
    assert [path.name for path in place.iterdir()] == ["backup"]
    assert dmarq("restore", file, "--data-dir", place / "there").returncode == 0


def test_a_restore_that_is_killed_half_way_leaves_no_directory_and_the_next_one_is_whole(
    made: Path, place: Path
) -> None:
    file, there = place / "backup", place / "there"
    assert dmarq("backup", file, "--data-dir", made).returncode == 0

    killed_when((place / "there.unfinished/postgres/cluster/base").exists, "restore", file, "--data-dir", there)

    assert not there.exists()
    done = dmarq("restore", file, "--data-dir", there)
    assert done.returncode == 0, done.stderr
    assert kept(there) == (b"first", b"17", ROWS)
    assert sorted(path.name for path in place.iterdir()) == ["backup", "there"]


@pytest.mark.parametrize("is_encrypted", [False, True])
@pytest.mark.parametrize("harm", ["cut", "flipped", "empty"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    made: Path, place: Path, word: Path, harm: str, *, is_encrypted: bool
) -> None:
    options = ("--passphrase-file", word) if is_encrypted else ()
    file = place / "backup"
    assert dmarq("backup", file, "--data-dir", made, *options).returncode == 0
    data = bytearray(file.read_bytes())
    if harm == "flipped":
        data[len(data) // 2] ^= 1
    file.write_bytes({"cut": bytes(data[:-40]), "flipped": bytes(data), "empty": b""}[harm])

    done = dmarq("restore", file, "--data-dir", place / "there", *options)

    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in place.iterdir()) == ["backup", "passphrase"]


def test_a_wrong_passphrase_opens_nothing(made: Path, place: Path, word: Path) -> None:
    assert dmarq("backup", place / "backup", "--data-dir", made, "--passphrase-file", word).returncode == 0
    word.write_text("another passphrase\n")

    done = dmarq("restore", place / "backup", "--data-dir", place / "there", "--passphrase-file", word)

    assert done.returncode == 1
    assert "passphrase is wrong" in done.stderr
    assert not (place / "there").exists()


def test_a_directory_with_something_in_it_is_left_as_it_is(made: Path, place: Path) -> None:
    assert dmarq("backup", place / "backup", "--data-dir", made).returncode == 0
    there = place / "there"
    there.mkdir()
    (there / "mine").write_text("mine")

    done = dmarq("restore", place / "backup", "--data-dir", there)

    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert [path.name for path in there.iterdir()] == ["mine"]


def test_a_file_that_is_there_is_not_written_over(made: Path, place: Path) -> None:
    (place / "backup").write_text("mine")

    done = dmarq("backup", place / "backup", "--data-dir", made)

    assert done.returncode == 1
    assert (place / "backup").read_text() == "mine"


def test_a_link_in_the_directory_is_refused_instead_of_being_left_out(made: Path, place: Path) -> None:
    with DataDir(place / "data") as data:
        shutil.copytree(made / "nats", data.path / "nats")
        shutil.copy(made / "postgres.secret", data.path)
        cluster = data.path / "postgres/cluster"
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("18\n")
        (cluster / "pg_wal").symlink_to(place)

    done = dmarq("backup", place / "backup", "--data-dir", place / "data")

    assert done.returncode == 1
    assert "pg_wal is a link" in done.stderr
    assert not (place / "backup").exists()
