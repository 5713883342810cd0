"""The demo's IMAP server as a child process: one account in memory, filled with sample mails before it answers."""

import os
import secrets
import sys
from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict

from dmarq.embedded.child import Child, ChildSpec
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


class EmbeddedMailbox:
    """An IMAP server (no TLS, loopback only) with `mails` sample mails. As a context manager it runs inside the block.

    The mails are those of `make_mails(mails, seed, until=until)`. UIDVALIDITY is another at each start.
    """

    def __init__(self, data: DataDir, *, mails: int, seed: int, until: date) -> None:
        self._data = data
        self.account = DemoAccount(
            port=free_port(),
            username="demo",
            password=secrets.token_urlsafe(12),
            mails=mails,
            seed=seed,
            until=until,
        )
        self.host = LOOPBACK
        self.child: Child | None = None

    def start(self) -> Child:
        """Start the server and return when its INBOX is full. Raises ChildFailed."""
        self.child = Child(
            ChildSpec(
                name="mailbox",
                command=(sys.executable, "-m", "dmarq.mailserver", self._write_account()),
                log=self._data.log("mailbox"),
                keep_open=(self._data.lock_fd,),
            )
        )
        patience_s = START_TIMEOUT_S + FILL_S_PER_MAIL * self.account.mails
        self.child.wait_ready(lambda: greets_with(b"* OK", port=self.account.port), timeout_s=patience_s)
        return self.child

    def stop(self) -> None:
        """Stop the server; its mails are gone."""
        if self.child is not None:
            self.child.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _write_account(self) -> str:
        """Through a private file: arguments of a process can be read by everybody on the machine."""
        path = self._data.path / "mailbox.json"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.account.model_dump_json())
        return str(path)
