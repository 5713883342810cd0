"""PostgreSQL as a child process: on loopback, its cluster in the data directory, behind a password.

Our own base class over plain binaries, so any build of PostgreSQL 15 or later will do (`bin_dir`).
"""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dmarq.embedded.account import REACHABLE, Account, private_directory, reachable_programs, unprivileged_account
from dmarq.embedded.child import ChildSpec, EmbeddedServer
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.errors import EmbeddedError
from dmarq.embedded.memory import memory_bytes
from dmarq.embedded.programs import LOOPBACK, free_port, postgres_bin_dir

USER = "dmarq"
DATABASE = "dmarq"
INITDB_OPTIONS = ("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--data-checksums", f"--username={USER}")


@dataclass(frozen=True, kw_only=True)
class ClusterMaker:
    """Makes clusters with the programs in `bin_dir`, owned by `account` (None: us).

    The programs hold the descriptor `lock_fd` while they work, so nobody else starts in the same place meanwhile.
    `durable` False does without syncing the new files to disk.
    """

    bin_dir: Path
    account: Account | None
    lock_fd: int
    durable: bool

    def make(self, cluster: Path, *, password: str) -> None:
        """Make a cluster at `cluster`. It is there in full, or it is not there.

        Raises EmbeddedError with what initdb says.
        """
        unfinished = cluster.with_name(f"{cluster.name}.unfinished")
        password_file = cluster.with_name("password.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        self._write_private(password_file, password)
        try:
            options = INITDB_OPTIONS if self.durable else (*INITDB_OPTIONS, "--no-sync")
            self._run("initdb", "-D", str(unfinished), f"--pwfile={password_file}", *options)
        finally:
            password_file.unlink()
        # Single-user mode takes statements from standard input: no need of a server, a port and a driver for this one.
        create_database = f"CREATE DATABASE {DATABASE}"
        self._run("postgres", "--single", "-D", str(unfinished), "postgres", statement=create_database)
        unfinished.rename(cluster)

    def _write_private(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def _run(self, program: str, *arguments: str, statement: str = "") -> None:
        account = self.account
        done = subprocess.run(  # noqa: S603 (no shell, and the program is PostgreSQL's)
            [str(self.bin_dir / program), *arguments],
            input=statement,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env={"LC_ALL": "C", "TZ": "UTC"},
            umask=0o077,
            pass_fds=(self.lock_fd,),
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            said = " | ".join(done.stdout.strip().splitlines()[-3:])
            raise EmbeddedError(f"{program} could not make the database cluster: {said}")


MIB = 1024 * 1024
# Bytes of PostgreSQL's own cache: an eighth of the memory, and never more than by its own default.
LEAST_BUFFERS, MOST_BUFFERS = 16 * MIB, 128 * MIB
STATUS_LINE = 7  # of postmaster.pid, counted from 0
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server of our own.

    `port` None takes a free one, which later starts of the same object keep. As root it runs as `account` (default:
    dmarq, else nobody). `durable` False forgets data in a power cut, for demos and tests; a kill -9 is survived.
    `reachable` is where things go that the account cannot reach elsewhere. Raises BinaryMissing, Unreachable,
    EmbeddedError.
    """

    name = "postgres"
    ready_timeout_s = 60.0  # after a kill -9 there may be much to recover

    def __init__(
        self,
        data: DataDir,
        *,
        port: int | None = None,
        bin_dir: Path | None = None,
        account: str | None = None,
        durable: bool = True,
        reachable: Path = REACHABLE,
    ) -> None:
        super().__init__(data)
        self._account = unprivileged_account(account)
        self._bin_dir = reachable_programs(postgres_bin_dir(bin_dir), self._account, reachable=reachable)
        self._home = private_directory(data.path / "postgres", self._account, reachable=reachable)
        self._durable = durable
        self._password = data.secret("postgres")
        self.port = port or free_port()

    @property
    def url(self) -> str:
        """Where clients connect, password included."""
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self._home / "cluster"

    def _spec(self) -> ChildSpec:
        if not self.cluster.exists():
            self._cluster_maker().make(self.cluster, password=self._password)
        # We hold the lock of the data directory, so a server that this file speaks of no longer runs.
        self._pid_file.unlink(missing_ok=True)
        return ChildSpec(
            name=self.name,
            command=self._command(),
            log=self._data.log(self.name),
            environment={"LC_ALL": "C", "TZ": "UTC"},
            account=self._account,
            keep_open=(self._data.lock_fd,),
            stop_signal=signal.SIGINT,  # "fast shutdown": ends open sessions, writes everything, no recovery later
        )

    def _is_ready(self) -> bool:
        return _says_ready(self._pid_file)

    @property
    def _pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    def _cluster_maker(self) -> ClusterMaker:
        return ClusterMaker(
            bin_dir=self._bin_dir, account=self._account, lock_fd=self._data.lock_fd, durable=self._durable
        )

    def _command(self) -> tuple[str, ...]:
        buffers = min(max(memory_bytes() // 8, LEAST_BUFFERS), MOST_BUFFERS)
        options = [
            f"listen_addresses={LOOPBACK}",
            f"port={self.port}",
            "unix_socket_directories=",
            f"shared_buffers={buffers // MIB}MB",
            "max_logical_replication_workers=0",  # nobody subscribes here, and a process would wait for it
        ]
        if not self._durable:
            options += NOT_DURABLE
        flags = (flag for option in options for flag in ("-c", option))
        return (str(self._bin_dir / "postgres"), "-D", str(self.cluster), *flags)


def _says_ready(pid_file: Path) -> bool:
    """Whether the server has written that it takes clients (as pg_ctl looks for it)."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"
