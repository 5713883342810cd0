"""A new PostgreSQL cluster: initdb, and the one database that DMARQ uses."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dmarq.embedded.account import Account
from dmarq.embedded.errors import EmbeddedError

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
