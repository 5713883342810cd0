from contextlib import nullcontext

import pytest
from werkzeug.datastructures import MultiDict

from config_api.errors import Invalid
from config_api.mailboxes import form as mailbox_form
from config_api.mailboxes.changes import expect_password, patched
from config_api.mailboxes.model import MailboxInput
from config_api.mailboxes.wording import differing
from config_api.web.validation import validated

ACCOUNT = [
    ("name", "R"),
    ("host", "h"),
    ("port", "993"),
    ("security", "tls"),
    ("username", "u"),
    ("auth", "password"),
    ("folder", "INBOX"),
    ("max_connections", "2"),
    ("poll_interval_minutes", "60"),
    ("attachments.max_bytes", "10"),
    ("attachments.formats", "xml"),
]


def _read(*more: tuple[str, str]) -> mailbox_form.Values:
    return mailbox_form.read(MultiDict([*ACCOUNT, *more]))


def test_the_defaults_survive_the_way_through_the_form() -> None:
    blank = mailbox_form.blank()
    assert set(_read()) == set(blank)
    validated(MailboxInput, {**blank, "name": "R", "host": "h", "username": "u"})


@pytest.mark.parametrize(("typed", "stored"), [("10", 10485760), ("2,5", 2621440), ("", ""), ("ten", "ten")])
def test_the_size_limit_is_typed_in_megabytes(typed: str, stored: object) -> None:
    read = mailbox_form.read(MultiDict([("attachments.max_bytes", typed)]))
    assert read["attachments"]["max_bytes"] == stored


@pytest.mark.parametrize(
    ("places", "order"),
    [
        ({}, ["xml", "zip", "gz", "eml"]),
        ({"xml": "4", "eml": "1", "zip": "2", "gz": "3"}, ["eml", "zip", "gz", "xml"]),
        ({"xml": "1", "zip": "1", "gz": "1", "eml": "1"}, ["xml", "zip", "gz", "eml"]),
    ],
)
def test_the_order_follows_the_places(places: dict[str, str], order: list[str]) -> None:
    before = [("order", name) for name in ("xml", "zip", "gz", "eml")]
    read = _read(*before, *((f"place.{name}", place) for name, place in places.items()))
    assert read["attachments"]["priority"] == order


@pytest.mark.parametrize(
    ("more", "is_missing"),
    [({}, True), ({"password": "x"}, False), ({"enabled": False}, False), ({"auth": "xoauth2"}, False)],
)
def test_a_new_mailbox_that_signs_in_with_a_password_has_one(more: dict[str, object], is_missing: bool) -> None:
    wanted = MailboxInput.model_validate({"name": "R", "host": "h", "username": "u", **more})
    with pytest.raises(Invalid) if is_missing else nullcontext():
        expect_password(wanted.settings, wanted.secrets)


def test_a_folder_belongs_to_a_move_only() -> None:
    read = _read(("on_failed.action", "delete"), ("on_failed.folder", "Old"))
    assert read["on_failed"] == {"action": "delete", "folder": None}


def test_an_emptied_field_of_a_group_goes_back_to_its_default() -> None:
    account = [pair for pair in ACCOUNT if pair[0] != "auth"]
    oauth = [("auth", "xoauth2"), ("oauth.provider", "google"), ("oauth.client_id", "c"), ("oauth.scope", " ")]
    proxy = [("proxy.host", "p"), ("proxy.port", "1080"), ("proxy.username", "")]
    read = mailbox_form.read(MultiDict([*account, *oauth, *proxy]))
    assert {name for name, value in read["oauth"].items() if value is None} == {
        "grant",
        "tenant",
        "token_endpoint",
        "device_endpoint",
        "authorization_endpoint",
        "scope",
    }
    assert read["proxy"] == {"kind": None, "host": "p", "port": "1080", "username": None}
    oauth_read = validated(MailboxInput, patched({}, read)).oauth
    assert oauth_read is not None
    assert oauth_read.tenant == "common"


def test_an_empty_secret_is_not_sent() -> None:
    typed = MultiDict([("password", ""), ("client_secret", "s\n")])
    assert mailbox_form.secrets_of(typed) == {"client_secret": "s"}


def test_two_versions_differ_only_where_they_mean_something_else() -> None:
    mine = {"folder": "A", "poll_interval_minutes": "60", "on_failed": {"action": "none", "folder": None}}
    theirs = {"folder": "B", "poll_interval_minutes": 60.0, "on_failed": {"action": "none"}}
    assert [(each.name, each.before, each.after) for each in differing(theirs, mine)] == [("Folder", "“B”", "“A”")]
