"""A witness to the first promise: no mail is moved before its outcome is committed.

It looks into the folders first and into the ledger afterwards. A mail that was moved by then must be in the ledger by
now; there is no moment at which an honest system fails this.
"""

import time
from threading import Event, Thread
from typing import Self

from tests.chaos.folders import TARGETS, Folders
from tests.chaos.ledger import Ledger

LOOK_EVERY_S = 0.5


class Witness:
    """Looks on inside the block. `early` are the mails that were touched too early."""

    def __init__(self, folders: Folders, ledger: Ledger) -> None:
        self._folders = folders
        self._ledger = ledger
        self._stop = Event()
        self._thread = Thread(target=self._look_on, name="witness", daemon=True)
        self._vouched: set[str] = set()
        self.early: set[str] = set()
        self.looks = 0

    def look(self) -> None:
        """One look."""
        moved = {name for folder in TARGETS for name in self._folders.names(folder)} - self._vouched
        if not moved:
            return
        known = self._ledger.mails()
        if known is None:
            return
        committed = {mail.name for mail in known}
        self.early |= moved - committed
        self._vouched |= moved
        self.looks += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.look()
            self._stop.wait(LOOK_EVERY_S + (time.monotonic() - began))
