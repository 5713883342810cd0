"""What the settings of a mailbox may say."""

import pytest
from pydantic import ValidationError

from pipeline.contracts.mailbox import MailboxSettings

ACCOUNT = {"name": "Reports", "host": "mail.example", "username": "ann"}


@pytest.mark.parametrize(
    ("target", "read"), [("Done", "Done"), ("inbox", "INBOX"), ("A.B", "A/B"), ("Inbox.Done", "INBOX/Done")]
)
def test_mail_is_not_moved_into_a_folder_that_is_read_however_it_is_written(target: str, read: str) -> None:
    move = {"action": "move", "folder": target}
    with pytest.raises(ValidationError, match="choose another folder"):
        MailboxSettings.model_validate({**ACCOUNT, "folder": "Reports", "folders": [read], "on_failed": move})


@pytest.mark.parametrize(("target", "read"), [("done", "Done"), ("A.B", "A/C"), ("AB", "A/B")])
def test_another_folder_is_another_folder(target: str, read: str) -> None:
    move = {"action": "move", "folder": target}
    settings = MailboxSettings.model_validate({**ACCOUNT, "folders": [read], "on_failed": move})
    assert settings.on_failed.folder == target


@pytest.mark.parametrize(("wanted", "used"), [(1, 1), (2, 2), (3, 2), (10, 2)])
def test_more_than_two_connections_are_taken_as_two(wanted: int, used: int) -> None:
    assert MailboxSettings.model_validate({**ACCOUNT, "max_connections": wanted}).max_connections == used
