"""Where the unprivileged account keeps its files and finds its programs when we are root.

A data directory or a virtual environment below a closed home (/root has mode 0700) is out of its reach. Opening other
people's directories is not ours to do, so the files go to a private place below the shelter instead.
"""

import hashlib
import os
import shutil
from pathlib import Path

from dmarq.embedded.account import Account, can_pass, can_reach
from dmarq.embedded.errors import Unreachable

SHELTER = Path("/var/lib/dmarq")


def private_directory(wanted: Path, account: Account | None, *, shelter: Path = SHELTER) -> Path:
    """A directory of mode 0700 that belongs to the account (None: to us): `wanted`, or its stand-in in the shelter.

    The stand-in of a path is the same at every start. Raises Unreachable when neither can be had.
    """
    if account is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    place = wanted
    if not can_pass(account, wanted.parent):
        place = _sheltered(account, shelter) / f"{wanted.name}-{_digest(str(wanted.resolve()))}"
    place.mkdir(mode=0o700, exist_ok=True)
    os.chown(place, account.uid, account.gid)
    return place


def reachable_programs(bin_dir: Path, account: Account | None, *, shelter: Path = SHELTER) -> Path:
    """A directory with the same programs that the account can run: `bin_dir`, or a copy of its tree in the shelter."""
    if account is None or can_reach(account, bin_dir):
        return bin_dir
    prefix = bin_dir.parent
    built = str((bin_dir / "postgres").stat().st_mtime_ns)
    copy = _sheltered(account, shelter) / f"programs-{_digest(str(bin_dir.resolve()), built)}"
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


def _sheltered(account: Account, shelter: Path) -> Path:
    try:
        shelter.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise Unreachable(shelter, account=account.name, remedy=f"it cannot be made ({error.strerror})") from error
    if not can_pass(account, shelter):
        remedy = f"allow it to pass (chmod o+x) or choose a data directory outside of {Path.home()}"
        raise Unreachable(shelter, account=account.name, remedy=remedy)
    return shelter


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
