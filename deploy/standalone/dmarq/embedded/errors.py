"""What can go wrong around an embedded server, each said in one line that a user can act on.

EmbeddedError
├── AddressTaken    the address to listen on belongs to another program
├── BadDataDir      the data directory cannot be made or written
├── BinaryMissing   a server program is not installed
├── ChildFailed     a server ended, or was not ready in time
├── DataDirBusy     another process works in the data directory
└── Unreachable     the unprivileged account cannot get at files it needs
"""

from pathlib import Path


class EmbeddedError(Exception):
    """Base of these errors; its text is fit for a user."""


class AddressTaken(EmbeddedError):
    """The HTTP address cannot be listened on."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"cannot listen on {address} ({why}): stop the program that does, or set DMARQ_HTTP_ADDRESS to another one"
        )


class BadDataDir(EmbeddedError):
    """The data directory cannot be made or written."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be used as the data directory ({why}): set DMARQ_DATA_DIR to another one")


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
