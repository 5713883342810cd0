"""A hostile mail server costs little memory, holds up nobody else, and leaves nothing behind."""

from tests.attack import mailservers


async def test_no_hostile_server_costs_more_than_its_bound() -> None:
    rows = await mailservers.run()

    assert len(rows) > 30
    assert [row for row in rows if not row.held] == []
