"""The embedded servers, one at a time: who may come in, what a crash costs, which binaries will do."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import pytest

from dmarq.embedded import BinaryMissing, DataDir, EmbeddedNats, EmbeddedPostgres, temporary_data_dir
from dmarq.embedded.account import can_reach, unprivileged_account
from dmarq.embedded.programs import postgres_bin_dir

DEBIAN_BIN_DIRS = Path("/usr/lib/postgresql")


@pytest.fixture
def data() -> Iterator[DataDir]:
    with temporary_data_dir() as data:
        yield data


@pytest.fixture
def debian_bin_dir() -> Path:
    found = sorted(DEBIAN_BIN_DIRS.glob("*/bin/initdb"))
    if not found:
        pytest.skip("Debian's postgresql package is not installed")
    return found[-1].parent


@pytest.fixture
def closed_directory(tmp_path: Path) -> Path:
    """A directory that only root can pass; the test is about root."""
    if os.geteuid() != 0:
        pytest.skip("only root has an account to drop to")
    tmp_path.chmod(0o700)
    return tmp_path


async def select_version(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def test_postgres_lets_nobody_in_without_the_password(data: DataDir) -> None:
    with EmbeddedPostgres(data, durable=False) as postgres:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://dmarq:wrong@127.0.0.1:{postgres.port}/dmarq")

        assert await select_version(postgres.url)


async def test_nats_lets_nobody_in_without_the_password(data: DataDir) -> None:
    with EmbeddedNats(data) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b'CONNECT {"verbose":true}\r\n')

        assert b"-ERR 'Authorization Violation'" in await reader.read()
        writer.close()


async def test_nats_takes_large_payloads(data: DataDir) -> None:
    with EmbeddedNats(data) as server:
        client = await nats.connect(server.url)

        assert client.max_payload == 8 * 1024 * 1024
        await client.close()


async def test_postgres_is_utf8_with_checksums_and_runs_as_no_root(data: DataDir) -> None:
    with EmbeddedPostgres(data, durable=False) as postgres:
        connection = await asyncpg.connect(postgres.url)
        encoding, checksums = [
            await connection.fetchval(f"SHOW {name}") for name in ("server_encoding", "data_checksums")
        ]
        await connection.close()

        assert (encoding, checksums) == ("UTF8", "on")
        assert postgres.cluster.stat().st_uid != 0


async def test_a_killed_postgres_starts_again_on_its_port_with_what_was_committed(data: DataDir) -> None:
    with EmbeddedPostgres(data) as postgres:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        connection.terminate()
        assert postgres.child is not None
        postgres.child.kill()
        url = postgres.url
        postgres.start()
        connection = await asyncpg.connect(url)

        assert await connection.fetchval("SELECT number FROM kept") == 7
        await connection.close()


async def test_a_postmaster_pid_that_names_a_living_stranger_is_no_obstacle(data: DataDir) -> None:
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert postgres.child is not None
        postgres.child.kill()
        (postgres.cluster / "postmaster.pid").write_text(f"{os.getppid()}\n{postgres.cluster}\n")
        postgres.start()

        assert await select_version(postgres.url)


async def test_an_initdb_that_was_interrupted_is_done_again(data: DataDir) -> None:
    postgres = EmbeddedPostgres(data, durable=False)
    remains = postgres.cluster.with_name("cluster.unfinished")
    remains.mkdir()
    (remains / "PG_VERSION").write_text("18\n")
    with postgres:
        assert await select_version(postgres.url)
        assert not remains.exists()


async def test_a_killed_nats_starts_again_with_its_streams(data: DataDir) -> None:
    with EmbeddedNats(data) as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.jetstream().publish("kept", b"event")
        await client.close()
        assert server.child is not None
        assert server.child.kill() == -signal.SIGKILL
        server.start()
        client = await nats.connect(server.url)

        assert (await client.jetstream().get_last_msg("KEPT", "kept")).data == b"event"
        await client.close()


async def test_the_binaries_of_the_distribution_will_do(data: DataDir, debian_bin_dir: Path) -> None:
    with EmbeddedPostgres(data, bin_dir=debian_bin_dir, durable=False) as postgres:
        assert (await select_version(postgres.url)).startswith(debian_bin_dir.parent.name)


@pytest.mark.parametrize("odd", ['with "quotes"', "with $dollar", "with {brace", "mit Ä"])
def test_odd_names_of_directories_do_no_harm(data: DataDir, odd: str) -> None:
    with DataDir(data.path / odd) as inner, EmbeddedNats(inner), EmbeddedPostgres(inner, durable=False):
        assert (inner.path / "nats" / "jetstream").is_dir()


def test_a_directory_without_the_programs_is_refused_by_name(data: DataDir, tmp_path: Path) -> None:
    with pytest.raises(BinaryMissing, match=str(tmp_path)):
        EmbeddedPostgres(data, bin_dir=tmp_path)


async def test_data_below_a_closed_directory_goes_to_a_reachable_one(closed_directory: Path, data: DataDir) -> None:
    with (
        DataDir(closed_directory / "data") as closed,
        EmbeddedPostgres(closed, durable=False, reachable=data.path / "reachable") as postgres,
    ):
        assert await select_version(postgres.url)
        assert postgres.cluster.is_relative_to(data.path / "reachable")


async def test_programs_below_a_closed_directory_are_copied_to_a_reachable_one(
    closed_directory: Path, data: DataDir
) -> None:
    original = postgres_bin_dir()
    package = original.parent.parent
    hidden = closed_directory / "site-packages" / package.name
    shutil.copytree(package, hidden, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, hidden.with_name(libraries.name))
    account = unprivileged_account()
    assert account is not None
    bin_dir = hidden / "pginstall" / "bin"
    assert not can_reach(account, bin_dir)
    with EmbeddedPostgres(data, bin_dir=bin_dir, durable=False, reachable=data.path / "reachable") as postgres:
        assert await select_version(postgres.url)
