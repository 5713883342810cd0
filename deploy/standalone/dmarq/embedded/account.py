"""The unprivileged account that PostgreSQL runs as when we are root, and which files it can reach."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from dmarq.embedded.errors import EmbeddedError

CANDIDATES = ("dmarq", "nobody")


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of this machine and its primary group."""

    name: str
    uid: int
    gid: int


def unprivileged_account(name: str | None = None) -> Account | None:
    """The account to drop to: `name`, or the first of the candidates that exists; None when we are not root anyway.

    Raises EmbeddedError when there is none, or when `name` is unknown or root.
    """
    if os.geteuid() != 0:
        return None
    for candidate in (name,) if name else CANDIDATES:
        account = _lookup(candidate)
        if account is not None and account.uid != 0:
            return account
    wanted = f"the account {name!r}" if name else "an unprivileged account (dmarq or nobody)"
    raise EmbeddedError(f"PostgreSQL does not run as root, and {wanted} does not exist: run useradd --system dmarq")


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may pass every directory above `path` and may read and enter (or run) `path` itself."""
    path = path.resolve()
    above = all(_may(account, directory, stat.S_IXOTH) for directory in path.parents)
    return above and _may(account, path, stat.S_IROTH | stat.S_IXOTH)


def can_pass(account: Account, directory: Path) -> bool:
    """Whether the account may go through `directory` to something below it whose name it knows."""
    directory = directory.resolve()
    return all(_may(account, step, stat.S_IXOTH) for step in (directory, *directory.parents))


def _may(account: Account, path: Path, wanted: int) -> bool:
    """Whether the mode grants `wanted` (bits as for others) to the account, which has no further groups."""
    status = path.stat()
    if status.st_uid == account.uid:
        wanted <<= 6
    elif status.st_gid == account.gid:
        wanted <<= 3
    return status.st_mode & wanted == wanted


def _lookup(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
