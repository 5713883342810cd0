"""A hostile mail server costs little memory, holds up nobody else, and leaves nothing behind."""

from tests.attack import mailservers

# The whole list takes a minute; `make attack` runs it.
ATTACKS = (
    *mailservers.QUICK,
    "a quote of 15 MB that is not closed",
    "lines of 15 MB",
    "a tagged text of open brackets",
    "a SEARCH line of the same mail",
    "mails' data of short words",
    "a mail at the limit",
    "an email byte by byte",
    "a line byte by byte",
)


async def test_no_hostile_server_costs_more_than_its_bound() -> None:
    rows = await mailservers.run(attacks=ATTACKS, sessions=20)

    assert len(rows) == len(ATTACKS) + 1
    assert [row for row in rows if not row.held] == []
