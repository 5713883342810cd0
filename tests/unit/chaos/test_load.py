"""The mails of the load are what they say they are."""

from tests.chaos.load import LARGE_EVERY, Load, name_of

MAILS = 200


def test_every_mail_has_a_name_of_its_own() -> None:
    assert len({name_of(mail.raw) for mail in Load.of(MAILS, seed=1).mails} - {""}) == MAILS


def test_some_mails_are_too_large_to_travel_inline() -> None:
    large = [mail for mail in Load.of(MAILS, seed=1).mails if len(mail.raw) > 256 * 1024]
    assert 0 < len(large) <= MAILS / LARGE_EVERY


def test_portions_are_the_whole() -> None:
    load = Load.of(50, seed=1)
    assert [mail for portion in load.portions(20) for mail in portion] == list(load.mails)
