"""Each mailbox setting is declared once; the form, the words and the docs come from there."""

from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from config_api.errors import Invalid
from config_api.mailboxes.changes import expect_sound
from config_api.mailboxes.model import MailboxInput
from config_api.mailboxes.wording import differing
from config_api.web.validation import validated
from pipeline.contracts.mailbox_settings import SETTING_FIELDS, MailboxSecrets, MailboxSettings
from pipeline.contracts.setting import Section, Widget, group_of, setting_of, title_of

ACCOUNT = {"name": "R", "host": "h.example", "username": "u"}
GUIDE = {
    "enabled": "Enable IMAP", "host": "IMAP Server", "port": "IMAP Port", "security": "Use SSL/TLS",
    "username": "Username", "password": "Password", "folder": "Folder", "poll_interval_minutes": "Polling Interval",
    "filters.subject_contains": "Subject Filter", "filters.senders": "Sender Filter",
    "filters.max_age_days": "Age Filter", "attachments.formats": "Supported Formats",
    "attachments.max_bytes": "Size Limit", "attachments.priority": "Processing Priority",
}  # fmt: skip


def _leaves(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, info in model.model_fields.items():
        setting, group = setting_of(info), group_of(info)
        if group is not None and (setting is None or setting.section is None):
            found += _leaves(group, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found


def test_every_setting_is_on_the_form_under_a_name_of_its_own_with_help() -> None:
    assert {field.path for field in SETTING_FIELDS} == {*_leaves(MailboxSettings), *_leaves(MailboxSecrets)} - {
        "access_token"
    }
    titles = [field.title for field in SETTING_FIELDS]
    assert len(set(titles)) == len(titles)
    assert all(field.help and field.info.title for field in SETTING_FIELDS)


@pytest.mark.parametrize(("path", "title"), GUIDE.items())
def test_the_words_of_the_guide_are_used_and_stand_among_the_basics(path: str, title: str) -> None:
    field = next(each for each in SETTING_FIELDS if each.path == path)
    assert field.setting.section is not None
    assert (field.title, field.setting.section.advanced) == (title, False)
    assert title_of(path, MailboxSettings, MailboxSecrets) == title


def test_what_can_be_chosen_is_what_the_contract_takes() -> None:
    for field in SETTING_FIELDS:
        if field.setting.widget in (Widget.CHOICE, Widget.CHECKS, Widget.ORDER):
            schema = str(MailboxSettings.model_json_schema())
            assert field.setting.choices
            assert all(f"'{code}'" in schema for code in field.setting.choices), field.path


def test_a_part_of_a_setting_is_named_with_it() -> None:
    assert title_of("on_processed.folder", MailboxSettings) == "After processing: Folder"
    assert Section.PROCESSING.title == "Report Processing"


@pytest.mark.parametrize(
    ("wrong", "field", "text"),
    [
        ({"name": ""}, "name", "Enter a name."),
        ({"host": ""}, "host", "Enter the name of the IMAP server, such as imap.example.com."),
        ({"username": " "}, "username", "Enter the username, for most providers the whole email address."),
        ({"port": "70000"}, "port", "Enter a number from 1 to 65535."),
        ({"port": ""}, "port", "Enter a number from 1 to 65535."),
        ({"poll_interval_minutes": "often"}, "poll_interval_minutes", "Enter a number of minutes above 0"),
        ({"attachments": {"max_bytes": "big"}}, "attachments.max_bytes", "at most 100 MB"),
        ({"filters": {"max_age_days": "-3"}}, "filters.max_age_days", "whole number of days"),
        ({"on_processed": {"action": "move"}}, "on_processed.folder", "Enter the folder that the email is moved to."),
        ({"folders": ["A"], "on_failed": {"action": "move", "folder": "A"}}, "on_failed.folder", "fetched again"),
        ({"oauth": {"client_id": "x"}}, "oauth.token_endpoint", "token_endpoint"),
    ],
)
def test_what_is_wrong_is_said_in_words_at_its_field(wrong: dict[str, Any], field: str, text: str) -> None:
    with pytest.raises(Invalid) as raised:
        validated(MailboxInput, {**ACCOUNT, **wrong})
    assert [error.field for error in raised.value.errors] == [field]
    assert text in raised.value.errors[0].text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"filters": {"senders": ["reports@example.com", "not an address"]}}, "filters.senders"),
        ({"filters": {"senders": ["a@b@c"]}}, "filters.senders"),
        ({"filters": {"senders": ["Reports <noreply@example.com>"]}}, "filters.senders"),
        ({"filters": {"senders": ["@"]}}, "filters.senders"),
        ({"attachments": {"formats": []}}, "attachments.formats"),
        ({"on_processed": {"action": "move", "folder": "INBOX"}}, "on_processed.folder"),
        ({"folder": "A/B", "on_failed": {"action": "move", "folder": "a.b"}}, "on_failed.folder"),
    ],
)
def test_what_would_never_work_is_refused_at_its_field(wrong: dict[str, Any], field: str) -> None:
    settings = MailboxSettings.model_validate({**ACCOUNT, **wrong})
    with pytest.raises(Invalid) as raised:
        expect_sound(settings)
    assert [error.field for error in raised.value.errors] == [field]


@pytest.mark.parametrize("sender", ["noreply@example.com", "example.com", "sub.example.co.uk", "xn--bcher-kva.example"])
def test_addresses_and_domains_are_senders(sender: str) -> None:
    expect_sound(MailboxSettings.model_validate({**ACCOUNT, "filters": {"senders": [sender]}}))


def test_changes_are_told_in_words_with_both_values_and_without_secrets() -> None:
    before = {"folder": "INBOX", "attachments": {"max_bytes": 2097152}, "use_idle": True, "ca_certificate": "A" * 900,
              "on_processed": {"action": "mark_read", "folder": None}, "password": SecretStr("old secret")}  # fmt: skip
    after = {"folder": "Reports", "attachments": {"max_bytes": 10485760}, "use_idle": False, "ca_certificate": "B",
             "on_processed": {"action": "move", "folder": "Done"}, "password": SecretStr("new secret")}  # fmt: skip
    told = [change.text for change in differing(before, after)]
    assert set(told) == {
        "Folder from “INBOX” to “Reports”",
        "Size Limit from 2 MB to 10 MB",
        "Wait for new email (IDLE) from on to off",
        "After processing from Mark as read to Move to a folder “Done”",
        "CA certificate",
        "Password",
    }


def test_a_change_behind_what_is_shown_of_a_long_value_is_a_change_all_the_same() -> None:
    long = ["x" * 100, "y" * 100]
    (change,) = differing({"folders": long}, {"folders": [*long, "z"]})
    assert change.path == "folders"
    assert len(change.after) < 200


@pytest.mark.parametrize("name", MailboxSecrets.model_fields)
def test_every_secret_is_noticed_and_none_is_told(name: str) -> None:
    (change,) = differing({name: SecretStr("old secret")}, {name: SecretStr("new secret")})
    assert (change.path, change.before, change.after) == (name, "", "")
