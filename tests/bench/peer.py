"""The same mails through parsedmarc and through us, in turns, each time from the beginning.

parsedmarc reads the same kind of mailbox on the same Dovecot, stores into the same PostgreSQL, and moves the mails; it
is kept from the network (no DNS, no downloads). The time it takes to start, measured on an empty mailbox, is not
counted, for our services have started when the clock begins.
"""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from dmarq.embedded import EmbeddedPostgres, temporary_data_dir
from tests.bench.setting import Setting
from tests.bench.sustained import measured
from tests.support.bulk import many_mails
from tests.support.dovecot import Dovecot, User, running_dovecot

PROCESSES = 2
CONFIG = """
[general]
save_aggregate = True
save_failure = True
save_smtp_tls = True
offline = True
always_use_local_files = True
n_procs = {processes}
silent = True

[mailbox]
reports_folder = INBOX
archive_folder = Archive
watch = False
batch_size = {batch}

[imap]
host = localhost
port = {port}
user = {user}
password = {password}
ssl = True
skip_certificate_verification = True

[postgresql]
connection_string = {database}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Mails per second, of those that left the inbox."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How many times as fast we are."""
        return self.ours / self.theirs


def turns(program: Path, ours: Callable[[], AbstractContextManager[Setting]], *, mails: int, count: int) -> list[Turn]:
    """So many turns of both; theirs with so many mails, because it takes long."""
    return [Turn(ours=_ours(ours), theirs=_theirs(program, mails)) for _ in range(count)]


def _ours(start: Callable[[], AbstractContextManager[Setting]]) -> float:
    with start() as at:
        return asyncio.run(measured(at)).mails_per_second


def _theirs(program: Path, mails: int) -> float:
    with temporary_data_dir() as data, EmbeddedPostgres(data) as postgres, running_dovecot() as dovecot:
        empty, full = dovecot.user("empty"), dovecot.user("full")
        full.deliver(*many_mails(mails))
        start_s = _run(program, dovecot, empty, postgres.url, mails)
        seconds = _run(program, dovecot, full, postgres.url, mails) - start_s
        done = mails - len(full.stored())
    return round(done / seconds, 1)


def _run(program: Path, dovecot: Dovecot, user: User, database: str, mails: int) -> float:
    facts = {"processes": PROCESSES, "batch": mails, "port": dovecot.imaps_port, "user": user.name}
    text = CONFIG.format(**facts, password=user.password, database=database)
    with tempfile.TemporaryDirectory(prefix="dmarq-peer-") as directory:
        config = Path(directory) / "parsedmarc.ini"
        config.write_text(text)
        began = time.monotonic()
        subprocess.run([str(program), "-c", str(config)], check=True, cwd=directory, capture_output=True)
        return time.monotonic() - began


def as_table(found: list[Turn]) -> str:
    """The turns for people."""
    lines = [f"{'turn':<6}{'DMARQ':>12}{'parsedmarc':>12}{'ratio':>8}   mails/s"]
    lines += [f"{n:<6}{t.ours:>12.1f}{t.theirs:>12.1f}{t.ratio:>8.1f}" for n, t in enumerate(found, start=1)]
    return "\n".join(lines)
