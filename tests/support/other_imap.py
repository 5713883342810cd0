"""Cyrus IMAP and Courier, real ones, unpacked by tests/mail_servers.sh and not installed; for the fetcher's tests.

Each runs on a free loopback port with one account. Mails are put in and looked at by Python's own IMAP client, so that
a test does not trust the client it tests.
"""

import asyncio
import contextlib
import grp
import imaplib
import os
import pwd
import re
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dmarq.embedded.account import Account
from dmarq.embedded.child import Child, ChildSpec
from pipeline.contracts.mailbox import Mailbox, MailboxSecrets, MailboxSettings

USER, PASSWORD = "ann", "correct horse"
START_S = 20
COURIER = {
    "AUTHENTICATED": USER,
    "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT SORT QUOTA IDLE",
    "IMAP_KEYWORDS": "1",
    "IMAP_USELOCKS": "1",
    "IMAP_ENHANCEDIDLE": "0",
    "IMAP_IDLE_TIMEOUT": "60",
    "IMAP_UMASK": "022",
    "IMAP_OBSOLETE_CLIENT": "0",
    "IMAP_CHECK_ALL_FOLDERS": "0",
}
CYRUS = """configdirectory: {root}/conf
partition-default: {root}/spool
defaultpartition: default
cyrus_user: {user}
cyrus_group: {group}
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {root}/sasldb
sasl_mech_list: PLAIN LOGIN
allowplaintext: yes
autocreate_quota: 0
autocreate_post: yes
servername: localhost
defaultdomain: localhost
altnamespace: no
unixhierarchysep: no
idlesocket: {root}/idle
duplicate_db_path: {root}/conf/deliver.db
proc_path: {root}/proc
mboxname_lockpath: {root}/lock
"""
CYRUS_SERVICES = """START {{
  recover cmd="{programs}/ctl_cyrusdb -C {root}/imapd.conf -r"
  idled cmd="{programs}/idled -C {root}/imapd.conf"
}}
SERVICES {{
  imap cmd="{programs}/imapd -C {root}/imapd.conf" listen="127.0.0.1:{port}" prefork=0
}}
EVENTS {{
}}
"""


@dataclass(frozen=True, slots=True)
class OtherServer:
    """A running server. `signs_in` is False where it greets with PREAUTH."""

    name: str
    port: int
    signs_in: bool = True

    def mailbox(self, **settings: object) -> Mailbox:
        """The account as a mailbox of ours."""
        facts: dict[str, object] = {
            "name": self.name,
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "username": USER,
            "poll_interval_minutes": 0.02,
        }
        secrets = MailboxSecrets.model_validate({"password": PASSWORD})
        return Mailbox(
            id=self.name, version=1, settings=MailboxSettings.model_validate({**facts, **settings}), secrets=secrets
        )

    def deliver(self, *mails: bytes) -> None:
        """Puts mails into INBOX, in this order."""
        with self._client() as client:
            for mail in mails:
                client.append("INBOX", "", "", mail)

    def uids(self, folder: str = "INBOX", key: str = "ALL") -> list[int]:
        """The mails of a folder that fit the search key."""
        with self._client() as client:
            client.select(folder, readonly=True)
            found = client.uid("SEARCH", key)[1][0]
            return [int(uid) for uid in (found or b"").split()]

    @contextmanager
    def _client(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port) as client:
            if self.signs_in:
                client.login(USER, PASSWORD)
            yield client


def unpacked(name: str, program: str) -> Path | None:
    """The folder of an unpacked server; None where tests/mail_servers.sh left it out."""
    folder = os.environ.get("DMARQ_MAIL_SERVERS") or f"{tempfile.gettempdir()}/dmarq-mail-servers"
    return Path(folder, name) if Path(folder, name, program).exists() else None


@asynccontextmanager
async def running_courier(unpacked_in: Path) -> AsyncIterator[OtherServer]:
    """Courier's imapd for a Maildir, one process for each connection, signed in already as its own listener does it."""
    with tempfile.TemporaryDirectory(prefix="courier-") as home:
        _make_maildir(Path(home, "Maildir"))
        name = Path(home).name  # of the daemon that tells imapd which files have changed
        paths = {"HOME": home, "PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": _libraries(unpacked_in)}
        environment = {**COURIER, **paths, "GAM_CLIENT_ID": name}
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        watcher = await asyncio.create_subprocess_exec(
            unpacked_in / "usr/libexec/gam_server", name, env=environment, cwd=home
        )
        running = [watcher]

        async def serve() -> None:
            while True:
                connection, _ = await asyncio.get_running_loop().sock_accept(listener)
                connection.setblocking(True)
                with connection:
                    imapd = await asyncio.create_subprocess_exec(
                        unpacked_in / "usr/bin/imapd", "Maildir",
                        stdin=connection.fileno(), stdout=connection.fileno(), stderr=subprocess.DEVNULL,
                        env=environment, cwd=home,
                    )  # fmt: skip
                running.append(imapd)

        serving = asyncio.create_task(serve())
        try:
            yield OtherServer("courier", listener.getsockname()[1], signs_in=False)
        finally:
            serving.cancel()
            listener.close()
            for imapd in running:
                with contextlib.suppress(ProcessLookupError):
                    imapd.kill()
                await imapd.wait()


@contextmanager
def running_cyrus(unpacked_in: Path) -> Iterator[OtherServer]:
    """A Cyrus IMAP server with its own configuration, as an unprivileged user."""
    with tempfile.TemporaryDirectory(prefix="cyrus-", ignore_cleanup_errors=True) as directory:
        root = Path(directory)
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        programs, port = unpacked_in / "usr/lib/cyrus/bin", _free_port()
        libraries = _libraries(unpacked_in)
        plugins = next(unpacked_in.glob("usr/lib/*/sasl2"))
        environment = {"LD_LIBRARY_PATH": libraries, "SASL_PATH": str(plugins), "CYRUS_USER": user.pw_name}
        group = _group_name(user.pw_gid)
        (root / "imapd.conf").write_text(CYRUS.format(root=root, user=user.pw_name, group=group))
        (root / "cyrus.conf").write_text(CYRUS_SERVICES.format(root=root, programs=programs, port=port))
        for folder in ("conf", "spool", "proc", "lock"):
            (root / folder).mkdir()
        subprocess.run(
            [unpacked_in / "usr/sbin/saslpasswd2", "-p", "-c", "-f", root / "sasldb", "-u", "localhost", USER],
            input=PASSWORD.encode(), env=environment, check=True,
        )  # fmt: skip
        for path in (root, *root.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
        root.chmod(0o755)
        spec = ChildSpec(
            name="cyrus",
            command=(
                str(programs / "master"), "-C", f"{root}/imapd.conf", "-M", f"{root}/cyrus.conf",
                "-p", f"{root}/pid", "-D",
            ),
            log=root / "start.log",
            environment=environment,
            account=Account(name=user.pw_name, uid=user.pw_uid, gid=user.pw_gid) if os.geteuid() == 0 else None,
        )  # fmt: skip
        child = Child(spec)
        child.wait_ready(lambda: _greets(port), timeout_s=START_S)
        try:
            yield OtherServer("cyrus", port)
        finally:
            child.stop()


def _make_maildir(path: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)


def _libraries(unpacked_in: Path) -> str:
    places = {path.parent for path in unpacked_in.rglob("*.so*") if re.search(r"/lib(/[^/]+)?$", str(path.parent))}
    return ":".join(sorted(map(str, places)))


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _greets(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0 and one.recv(4) == b"* OK"
