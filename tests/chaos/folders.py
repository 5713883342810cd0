"""What is in the mailbox's folders, read from the disk: a witness who does not trust the client that is tested."""

from pathlib import Path

from tests.chaos.load import name_of
from tests.support.dovecot import User

INBOX = "INBOX"
PROCESSED, FAILED, OTHER = "Processed", "Failed", "Other"
TARGETS = (PROCESSED, FAILED, OTHER)
HEAD_BYTES = 4096


class Folders:
    """The names of the mails in a folder; each file is read once."""

    def __init__(self, user: User) -> None:
        self._maildir = user.maildir
        self._names: dict[str, str] = {}

    def count(self, folder: str) -> int:
        """How many mails are there."""
        return len(self._files(folder))

    def names(self, folder: str) -> list[str]:
        """The Message-ID of each mail that is there."""
        return [name for file in self._files(folder) if (name := self._name(folder, file))]

    def remove(self, folder: str, name: str) -> bool:
        """Removes a mail, as another client of the mailbox would; False when it is gone already."""
        for file in self._files(folder):
            if self._name(folder, file) == name:
                file.unlink(missing_ok=True)
                return True
        return False

    def _files(self, folder: str) -> list[Path]:
        path = self._maildir if folder == INBOX else self._maildir / f".{folder}"
        return [file for part in ("new", "cur") if (path / part).exists() for file in (path / part).iterdir()]

    def _name(self, folder: str, file: Path) -> str:
        key = f"{folder}/{file.name.partition(':2,')[0]}"
        if key not in self._names:
            try:
                with file.open("rb") as opened:
                    self._names[key] = name_of(opened.read(HEAD_BYTES))
            except FileNotFoundError:  # moved or flagged since it was listed; the next look finds it
                return ""
        return self._names[key]
