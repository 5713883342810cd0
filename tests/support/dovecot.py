"""A real Dovecot as a process of its own, on free loopback ports, for tests.

It needs no rights: as root it is started as an unprivileged user. It ends with the process that started it, however
that ends. Mails are put into the Maildir directly, and what became of them is read from there too, so that a test does
not trust the client it tests.
"""

import base64
import grp
import hashlib
import hmac
import itertools
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import trustme

from dmarq.embedded.account import Account
from dmarq.embedded.child import Child, ChildSpec
from fetcher.imap.grammar import arguments
from tests.support.dovecot_config import CONFIG, OAUTH2

PROGRAMS = ("/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot")
START_S = 10


def program() -> str | None:
    """The path of the dovecot program; None when it is not installed."""
    return next((path for path in (*PROGRAMS, shutil.which("dovecot") or "") if path and Path(path).exists()), None)


@dataclass(frozen=True, slots=True)
class Stored:
    """A mail as it lies in the Maildir: its bytes and its flag letters ("S" seen, "T" deleted, "F" flagged)."""

    raw: bytes
    flags: str

    @property
    def seen(self) -> bool:
        return "S" in self.flags


class User:
    """An account, its password, and its Maildir."""

    _numbers = itertools.count()

    def __init__(self, name: str, password: str, home: Path, owner: tuple[int, int]) -> None:
        self.name = name
        self.password = password
        self.maildir = home / "Maildir"
        self._owner = owner
        for part in (home, self.maildir):
            self._make(part)
        self.make_folder("INBOX")

    def make_folder(self, folder: str) -> Path:
        """The directory of a folder; "." separates levels."""
        path = self._path(folder)
        for part in (path, *(path / name for name in ("cur", "new", "tmp"))):
            self._make(part)
        return path

    def deliver(self, *mails: bytes, folder: str = "INBOX", flags: str | None = None) -> None:
        """Puts mails into the folder, in this order; with `flags` such as "S" they are no longer new."""
        path = self.make_folder(folder)
        part = "new" if flags is None else "cur"
        suffix = "" if flags is None else f":2,{flags}"
        now = int(time.time())
        for mail in mails:
            sizes = f"S={len(mail)},W={_size_on_the_wire(mail)}"  # as Dovecot's own delivery names files
            file = path / "tmp" / f"{now}.M{next(self._numbers):09}.test,{sizes}{suffix}"
            file.write_bytes(mail)
            os.chown(file, *self._owner)
            file.rename(path / part / file.name)  # whole at once: the server may be looking

    def stored(self, folder: str = "INBOX") -> list[Stored]:
        """The mails of a folder, in the order of their delivery."""
        files = [file for part in ("new", "cur") for file in (self._path(folder) / part).iterdir()]
        return [
            Stored(file.read_bytes(), file.name.partition(":2,")[2]) for file in sorted(files, key=lambda f: f.name)
        ]

    def has_folder(self, folder: str) -> bool:
        return (self._path(folder) / "cur").is_dir()

    def renumber(self, folder: str = "INBOX") -> None:
        """Forgets all UIDs, as after a restore from a backup: the folder gets another UIDVALIDITY."""
        for file in self._path(folder).glob("dovecot*"):
            file.unlink()
        uidlist = self._path(folder) / "dovecot-uidlist"
        uidlist.write_text(f"3 V{int(time.time()) + 1000} N1 G{secrets.token_hex(16)}\n")
        os.chown(uidlist, *self._owner)

    def _path(self, folder: str) -> Path:
        return self.maildir if folder == "INBOX" else self.maildir / f".{arguments.to_modified_utf7(folder)}"

    def _make(self, path: Path) -> None:
        if not path.exists():
            path.mkdir(mode=0o755)
            os.chown(path, *self._owner)


class Dovecot:
    """A running server. `imap_port` speaks plain text and STARTTLS, `imaps_port` TLS; the name is localhost."""

    host = "localhost"

    def __init__(self, root: Path, *, extra: str = "", separator: str = ".", prefix: str = "") -> None:
        self.root = root
        self.imap_port, self.imaps_port = _free_ports(2)
        self._owner = _unprivileged()
        self._oauth_key = secrets.token_bytes(32)
        self._ca = trustme.CA()
        self._child: Child | None = None
        self._write_files(extra=extra, separator=separator, prefix=prefix)

    @property
    def ca_certificate(self) -> str:
        """The CA that issued the server's certificate, in PEM."""
        return self._ca.cert_pem.bytes().decode("ascii")

    @property
    def pid(self) -> int:
        """The process id of the running server's master process."""
        if self._child is None:
            raise RuntimeError("dovecot is not running")
        return self._child.pid

    def start(self) -> None:
        """Starts the server and waits until it listens. Raises ChildFailed. From a thread that lives as long as it."""
        uid, gid = self._owner
        spec = ChildSpec(
            name="dovecot",
            command=(program() or "dovecot", "-F", "-c", str(self.root / "dovecot.conf")),
            log=self.root / "start.log",
            account=Account(name=pwd.getpwuid(uid).pw_name, uid=uid, gid=gid) if os.geteuid() == 0 else None,
        )
        self._child = Child(spec)
        self._child.wait_ready(lambda: _listens(self.imaps_port), timeout_s=START_S)

    def stop(self) -> None:
        """Stops the server and all its sessions."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """Ends the server and all its sessions with SIGKILL."""
        if self._child is not None:
            master = psutil.Process(self._child.pid)
            for process in (*master.children(recursive=True), master):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._child.kill()
            self._child = None

    def user(self, name: str | None = None, password: str = "correct horse") -> User:
        """A fresh account; its folder INBOX is empty."""
        name = name or f"user-{secrets.token_hex(6)}"
        coded = base64.b64encode(password.encode()).decode()
        # A file for each: Dovecot looks at most once a second whether a file has changed.
        escaped = re.sub(r"""([\\"'])""", r"\\\1", name)
        (self.root / "users" / name).write_text(f"{escaped}:{{PLAIN.b64}}{coded}\n")
        return User(name, password, self.root / "home" / name, self._owner)

    def token(self, user: User, *, lasts_s: int = 3600) -> str:
        """An OAuth 2 access token (a JWT) for the user; a negative `lasts_s` makes one that has expired."""
        now = int(time.time())
        claims = {"sub": user.name, "iat": now - 7200, "exp": now + lasts_s, "jti": secrets.token_hex(8)}
        signed = f"{_coded({'alg': 'HS256', 'typ': 'JWT'})}.{_coded(claims)}"
        signature = hmac.new(self._oauth_key, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    def log(self) -> str:
        """What the server has written to its logs."""
        files = (self.root / "start.log", self.root / "dovecot.log")
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def _write_files(self, *, extra: str, separator: str, prefix: str) -> None:
        uid, gid = self._owner
        facts = {"root": self.root, "user": pwd.getpwuid(uid).pw_name, "group": _group_name(gid)}
        ports = {"imap_port": self.imap_port, "imaps_port": self.imaps_port}
        names = {"extra": extra, "separator": separator, "prefix": prefix}
        certificate = self._ca.issue_cert("localhost", "::1")
        keys = self.root / "keys" / "default" / "HS256"
        for directory in (self.root / "home", self.root / "users", keys):
            directory.mkdir(parents=True)
        (self.root / "server.key").write_bytes(certificate.private_key_pem.bytes())
        (self.root / "server.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
        (self.root / "dovecot.conf").write_text(CONFIG.format(**facts, **ports, **names))
        (self.root / "oauth2.conf").write_text(OAUTH2.format(root=self.root))
        (keys / "default").write_bytes(base64.b64encode(self._oauth_key))
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, uid, gid)
        self.root.chmod(0o755)


@contextmanager
def running_dovecot(*, extra: str = "", separator: str = ".", prefix: str = "") -> Iterator[Dovecot]:
    """A Dovecot in a directory of its own, which the unprivileged user can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as directory:
        server = Dovecot(Path(directory), extra=extra, separator=separator, prefix=prefix)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _size_on_the_wire(mail: bytes) -> int:
    """In bytes, every line ended by CRLF."""
    return len(mail) + mail.count(b"\n") - mail.count(b"\r\n")


def _unprivileged() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _coded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
