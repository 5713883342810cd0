"""What people paste as a mail server."""

import pytest
from pydantic import ValidationError

from pipeline.contracts.mailbox import MailboxSettings, Security
from pipeline.contracts.server_address import ServerAddress, parse


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("imap.example.com", ServerAddress("imap.example.com")),
        ("imaps://imap.example.com", ServerAddress("imap.example.com")),
        ("IMAPS://imap.example.com:993/INBOX", ServerAddress("imap.example.com", 993)),
        ("imap.example.com:143", ServerAddress("imap.example.com", 143)),
        ("imap.example.com:", ServerAddress("imap.example.com")),
        ("imap.example.com/", ServerAddress("imap.example.com")),
        ("imap.example.com.", ServerAddress("imap.example.com")),
        (" imap.example.com\u200b\n", ServerAddress("imap.example.com")),
        ("https://mail.example.com:8443/webmail", ServerAddress("mail.example.com")),
        ("[::1]", ServerAddress("::1")),
        ("[2001:db8::1]:993", ServerAddress("2001:db8::1", 993)),
        ("2001:db8::1", ServerAddress("2001:db8::1")),
        ("imaps://[::1]:1993", ServerAddress("::1", 1993)),
    ],
)
def test_what_is_pasted_is_taken_apart(pasted: str, expected: ServerAddress) -> None:
    assert parse(pasted) == expected


@pytest.mark.parametrize(
    ("pasted", "why"),
    [
        ("smtp://mail.example", "smtp"),
        ("ann@mail.example", "user name"),
        ("imaps://ann:secret@mail.example", "user name"),
        ("mail example", "no server's name"),
        ("imaps://", "no server's name"),
        ("mail.example:imap", "no port"),
        ("mail.example:99999", "no port"),
        ("[::1", "IPv6"),
    ],
)
def test_what_is_no_server_is_refused_with_a_reason_and_no_secret(pasted: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse(pasted)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"host": "imaps://mail.example/"}, ("mail.example", 993, Security.TLS)),
        ({"host": "mail.example:143", "port": "993", "security": "tls"}, ("mail.example", 143, Security.STARTTLS)),
        ({"host": "mail.example:1993"}, ("mail.example", 1993, Security.TLS)),
        ({"host": "mail.example:1143", "security": "none"}, ("mail.example", 1143, Security.NONE)),
        ({"host": "mail.example:143", "port": 143, "security": "none"}, ("mail.example", 143, Security.NONE)),
    ],
)
def test_a_pasted_port_is_the_port(facts: dict[str, object], expected: tuple[str, int, Security]) -> None:
    settings = MailboxSettings.model_validate({"name": "x", "username": "ann", **facts})

    assert (settings.host, settings.port, settings.security) == expected
    assert MailboxSettings.model_validate(settings.model_dump()) == settings


def test_two_different_ports_are_refused() -> None:
    with pytest.raises(ValidationError, match="port 143, the port field says 1993"):
        MailboxSettings.model_validate({"name": "x", "username": "ann", "host": "mail.example:143", "port": 1993})


def test_a_host_that_cannot_be_read_is_a_fault_of_its_field() -> None:
    with pytest.raises(ValidationError) as caught:
        MailboxSettings.model_validate({"name": "x", "username": "ann", "host": "smtp://mail.example"})

    assert [error["loc"] for error in caught.value.errors()] == [("host",)]
