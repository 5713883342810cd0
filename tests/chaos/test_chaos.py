"""A few faults of each kind on a small load; `make chaos` has them all, on a large one."""

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.table import as_line, complaints
from tests.chaos.trial import trial
from tests.support.dovecot import program

MAILS = 200
TELLING = (
    "kill -9 parser after commit",
    "kill -9 nats-server",
    "kill -9 PostgreSQL",
    "IMAP cut in MOVE, before its answer",
    "cut, parser to postgres",
    "NATS streams full",
)


@pytest.fixture(autouse=True)
def _installed() -> None:
    if program() is None:
        pytest.skip("dovecot is not installed; on Debian: apt-get install dovecot-imapd")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TELLING)
def test_nothing_is_lost_and_nothing_is_doubled(name: str) -> None:
    row = trial(FAULTS[name], mails=MAILS, seed=1, times=1)
    assert row.clean, "\n".join((as_line(row), *complaints(row)))
