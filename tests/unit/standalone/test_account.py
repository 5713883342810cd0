"""Which files an account can reach, by the modes of the directories on the way."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dmarq.embedded import EmbeddedError
from dmarq.embedded.account import Account, can_pass, can_reach, unprivileged_account

STRANGER = Account(name="stranger", uid=54321, gid=54321)
OWNER = Account(name="owner", uid=os.getuid(), gid=54321)
COLLEAGUE = Account(name="colleague", uid=54321, gid=os.getgid())


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that everybody may pass; pytest's own are below some that nobody else may."""
    with tempfile.TemporaryDirectory(prefix="dmarq-test-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.mark.parametrize(
    ("account", "mode", "passes", "reaches"),
    [
        (OWNER, 0o700, True, True),
        (OWNER, 0o077, False, False),  # the owner's bits count for the owner, the others' do not
        (COLLEAGUE, 0o750, True, True),
        (COLLEAGUE, 0o705, False, False),
        (STRANGER, 0o755, True, True),
        (STRANGER, 0o711, True, False),
        (STRANGER, 0o770, False, False),
    ],
)
def test_the_mode_decides(open_path: Path, account: Account, mode: int, passes: bool, reaches: bool) -> None:
    directory = open_path / "directory"
    directory.mkdir()
    directory.chmod(mode)

    assert passes == can_pass(account, directory)
    assert reaches == can_reach(account, directory)


def test_a_closed_directory_on_the_way_is_enough(open_path: Path) -> None:
    inner = open_path / "closed" / "open"
    inner.mkdir(parents=True)
    inner.chmod(0o755)
    inner.parent.chmod(0o700)

    assert not can_reach(STRANGER, inner)


def test_an_account_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(EmbeddedError, match="'nosuchuser'"):
        unprivileged_account("nosuchuser")


def test_who_is_not_root_stays_who_he_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert unprivileged_account() is None
