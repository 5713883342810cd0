"""What can go wrong around an embedded server, each said in one line that a user can act on.

EmbeddedError
├── BinaryMissing   a server program is not installed
├── ChildFailed     a server ended, or was not ready in time
├── DataDirBusy     another process works in the data directory
└── Unreachable     the unprivileged account cannot get at files it needs
"""

from pathlib import Path


class EmbeddedError(Exception):
    """Base of these errors; its text is fit for a user."""


class BinaryMissing(EmbeddedError):
    """A server program was not found where it was looked for."""

    def __init__(self, program: str, *, remedy: str) -> None:
        super().__init__(f"{program} was not found: {remedy}")
        self.program = program


class ChildFailed(EmbeddedError):
    """A server ended or was not ready in time; `last_words` is the end of its log."""

    def __init__(self, name: str, *, what: str, log: Path, last_words: str) -> None:
        super().__init__(f"{name} {what} (log: {log}){': ' if last_words else ''}{last_words}")
        self.name = name
        self.last_words = last_words


class DataDirBusy(EmbeddedError):
    """Somebody else holds the data directory."""

    def __init__(self, path: Path, *, holder: int | None) -> None:
        who = f"process {holder}" if holder else "another process"
        super().__init__(f"{path} is in use by {who}: stop it, or choose another data directory")
        self.holder = holder


class Unreachable(EmbeddedError):
    """Started as root, but the unprivileged account cannot reach what it must run or write."""

    def __init__(self, path: Path, *, account: str, remedy: str) -> None:
        super().__init__(f"the account {account!r} cannot reach {path}: {remedy}")
        self.path = path
