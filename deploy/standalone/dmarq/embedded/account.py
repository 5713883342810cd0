"""The unprivileged account that PostgreSQL runs as when we are root, and which files it can reach."""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from dmarq.embedded.errors import EmbeddedError, Unreachable

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


REACHABLE = Path("/var/lib/dmarq")


def private_directory(wanted: Path, account: Account | None, *, reachable: Path = REACHABLE) -> Path:
    """A directory of mode 0700 that belongs to the account (None: to us): `wanted`, or its stand-in below `reachable`.

    The stand-in of a path is the same at every start. Raises Unreachable when neither can be had.
    """
    if account is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    place = wanted
    if not can_pass(account, wanted.parent):
        place = _made_reachable(account, reachable) / f"{wanted.name}-{_digest(str(wanted.resolve()))}"
    place.mkdir(mode=0o700, exist_ok=True)
    os.chown(place, account.uid, account.gid)
    return place


def reachable_programs(bin_dir: Path, account: Account | None, *, reachable: Path = REACHABLE) -> Path:
    """Where the account can run these programs: `bin_dir`, or a copy of its tree below `reachable`."""
    if account is None or can_reach(account, bin_dir):
        return bin_dir
    prefix = bin_dir.parent
    built = str((bin_dir / "postgres").stat().st_mtime_ns)
    copy = _made_reachable(account, reachable) / f"programs-{_digest(str(bin_dir.resolve()), built)}"
    if not copy.exists():
        _copy_tree(prefix, copy)
    return copy / prefix.parent.name / prefix.name / bin_dir.name


def _copy_tree(prefix: Path, copy: Path) -> None:
    """Copy an installation, and the wheel's shared libraries beside it: programs look for both by relative path."""
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    package = prefix.parent
    shutil.copytree(
        prefix, unfinished / package.name / prefix.name, symlinks=True, ignore=shutil.ignore_patterns("include")
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name)
    for directory in (unfinished, unfinished / package.name):
        directory.chmod(0o755)
    unfinished.rename(copy)


def _made_reachable(account: Account, directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise Unreachable(directory, account=account.name, remedy=f"it cannot be made ({error.strerror})") from error
    if not can_pass(account, directory):
        remedy = f"allow it to pass (chmod o+x) or choose a data directory outside of {Path.home()}"
        raise Unreachable(directory, account=account.name, remedy=remedy)
    return directory


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
