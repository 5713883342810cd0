"""The demo's IMAP server as a child process: one account in memory, filled with sample mails before it answers."""

import os
import secrets
import sys
from datetime import date

from pydantic import BaseModel, ConfigDict

from dmarq.embedded.child import ChildSpec, EmbeddedServer
from dmarq.embedded.datadir import DataDir
from dmarq.embedded.programs import LOOPBACK, free_port, greets_with

START_TIMEOUT_S = 30.0
FILL_S_PER_MAIL = 0.01  # it takes a tenth of that on an idle machine


class DemoAccount(BaseModel):
    """All that the server process is told: where to listen, who may log in, which sample mails to put in INBOX."""

    model_config = ConfigDict(frozen=True)

    host: str = LOOPBACK
    port: int
    username: str
    password: str
    mails: int
    seed: int
    until: date


class EmbeddedMailbox(EmbeddedServer):
    """An IMAP server (no TLS, loopback only) with `mails` sample mails. They are gone when it stops.

    The mails are those of `make_mails(mails, seed, until=until)`. UIDVALIDITY is another at each start.
    """

    name = "mailbox"

    def __init__(self, data: DataDir, *, mails: int, seed: int, until: date) -> None:
        super().__init__(data)
        self.account = DemoAccount(
            port=free_port(),
            username="demo",
            password=secrets.token_urlsafe(12),
            mails=mails,
            seed=seed,
            until=until,
        )
        self.host = LOOPBACK
        self.ready_timeout_s = START_TIMEOUT_S + FILL_S_PER_MAIL * mails

    def _spec(self) -> ChildSpec:
        return ChildSpec(
            name=self.name,
            command=(sys.executable, "-m", "dmarq.mailserver", self._write_account()),
            log=self._data.log(self.name),
            keep_open=(self._data.lock_fd,),
        )

    def _is_ready(self) -> bool:
        return greets_with(b"* OK", port=self.account.port)

    def _write_account(self) -> str:
        """Through a private file: arguments of a process can be read by everybody on the machine."""
        path = self._data.path / "mailbox.json"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.account.model_dump_json())
        return str(path)
