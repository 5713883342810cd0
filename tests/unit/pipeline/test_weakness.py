"""What is unsafe about the settings of a mailbox."""

import pytest

from pipeline.contracts.connection_test import Weakness, weaknesses
from pipeline.contracts.mailbox import MailboxSettings, Security

ACCOUNT = {"name": "R", "host": "imap.example.com", "username": "u"}


@pytest.mark.parametrize(
    ("security", "verify", "found"),
    [
        (Security.TLS, True, ()),
        (Security.STARTTLS, True, ()),
        (Security.TLS, False, (Weakness.CERTIFICATE_NOT_CHECKED,)),
        (Security.STARTTLS, False, (Weakness.CERTIFICATE_NOT_CHECKED,)),
        (Security.NONE, True, (Weakness.NOT_ENCRYPTED,)),
        (Security.NONE, False, (Weakness.NOT_ENCRYPTED,)),
    ],
)
def test_a_way_that_others_could_listen_on_is_named(
    security: Security, found: tuple[Weakness, ...], *, verify: bool
) -> None:
    settings = MailboxSettings.model_validate({**ACCOUNT, "security": security, "verify_certificate": verify})

    assert weaknesses(settings) == found
    assert all(weakness.text for weakness in found)
