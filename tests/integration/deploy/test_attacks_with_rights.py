"""The table of attacks with a service's own rights: every one of them is held."""

from tests.attack.rights import run


async def test_every_attack_with_a_services_own_rights_is_held() -> None:
    rows = await run()

    assert [row for row in rows if not row.held] == []
    assert len(rows) == 7
