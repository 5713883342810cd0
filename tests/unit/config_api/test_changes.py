import pytest

from config_api.errors import Invalid
from config_api.mailboxes.changes import merged, slug
from config_api.mailboxes.model import MailboxInput
from config_api.mailboxes.wording import differing
from pipeline.contracts.mailbox import MailboxSecrets, MailboxSettings

SETTINGS = MailboxSettings.model_validate(
    {"name": "Main", "host": "imap.example.com", "username": "me", "filters": {"senders": ["a.example"]}}
)
SECRETS = MailboxSecrets.model_validate({"password": "saved"})

PROXY = {"kind": "socks5", "host": "evil.example", "port": 1080}


def _changed(after: MailboxInput) -> list[str]:
    before = SETTINGS.model_dump(mode="json") | dict(SECRETS)
    return [change.path for change in differing(before, after.settings.model_dump(mode="json") | dict(after.secrets))]


def test_an_empty_patch_changes_nothing() -> None:
    assert _changed(merged(SETTINGS, SECRETS, {})) == []


def test_an_empty_password_keeps_the_saved_one_and_null_forgets_it() -> None:
    assert not merged(SETTINGS, SECRETS, {"password": None}).password
    after = merged(SETTINGS, SECRETS, {"password": "", "folder": "Reports"})
    assert after.password.get_secret_value() == "saved"
    assert _changed(after) == ["folder"]


def test_null_goes_back_to_the_default() -> None:
    assert merged(SETTINGS, SECRETS, {"filters": None}).filters.senders == ()
    with pytest.raises(Invalid) as raised:
        merged(SETTINGS, SECRETS, {"host": None})
    assert [error.field for error in raised.value.errors] == ["host"]


def test_null_inside_a_new_group_is_left_out() -> None:
    oauth = {"provider": "google", "client_id": "x", "token_endpoint": None, "tenant": None}
    after = merged(SETTINGS, SECRETS, {"oauth": oauth})
    assert after.oauth is not None
    assert (after.oauth.token_endpoint, after.oauth.tenant) == (None, "common")


def test_what_changed_is_named_within_its_group() -> None:
    patch = {"filters": {"max_age_days": 3}, "on_failed": {"action": "move", "folder": "X"}, "password": "new"}
    found = _changed(merged(SETTINGS, SECRETS, patch))
    assert sorted(found) == ["filters.max_age_days", "on_failed", "password"]


@pytest.mark.parametrize(
    ("move", "secrets"),
    [
        ({"host": "evil.example"}, {"password", "access_token"}),
        ({"proxy": PROXY}, {"password", "access_token", "proxy_password"}),
        ({"oauth": {"token_endpoint": "https://evil.example/t", "client_id": "x"}}, {"client_secret", "refresh_token"}),
    ],
)
def test_no_secret_follows_to_where_it_was_not_saved_for(move: dict[str, object], secrets: set[str]) -> None:
    saved = MailboxSecrets.model_validate(dict.fromkeys(MailboxSecrets.model_fields, "saved"))
    with pytest.raises(Invalid) as raised:
        merged(SETTINGS, saved, move)
    assert {error.field for error in raised.value.errors} == secrets
    merged(SETTINGS, saved, {**move, **dict.fromkeys(secrets, "typed again")})


OAUTH = {"token_endpoint": "https://login.example.com/t", "client_id": "x"}


@pytest.mark.parametrize(
    ("saved", "patch", "left"),
    [
        ({"oauth": OAUTH, "auth": "xoauth2"}, {"oauth": None, "auth": "password", "password": "x"}, {"proxy_password"}),
        ({"proxy": PROXY}, {"proxy": None, "password": "x"}, {"client_secret", "refresh_token"}),
    ],
)
def test_a_secret_goes_with_where_it_was_sent(
    saved: dict[str, object], patch: dict[str, object], left: set[str]
) -> None:
    settings = MailboxSettings.model_validate(SETTINGS.model_dump() | saved)
    names = ("client_secret", "refresh_token", "proxy_password")
    after = merged(settings, MailboxSecrets.model_validate(dict.fromkeys(names, "saved")), patch)
    assert {name for name in names if getattr(after, name)} == left
    assert after.password.get_secret_value() == "x"


@pytest.mark.parametrize(
    "move",
    [
        {"host": "evil.example"},
        {"port": 143},
        {"username": "eve"},
        {"security": "starttls"},
        {"verify_certificate": False},
        {"ca_certificate": "another"},
        {"proxy": PROXY},
        {"oauth": {"token_endpoint": "https://evil.example/t"}},
        {"oauth": {"device_endpoint": "https://evil.example/d"}},
        {"oauth": {"authorization_endpoint": "https://evil.example/a"}},
        {"oauth": {"client_id": "y"}},
        {"oauth": {"provider": "google", "token_endpoint": None}},
    ],
)
@pytest.mark.parametrize("secret", ["refresh_token", "client_secret"])
def test_what_stands_for_a_sign_in_follows_to_no_other_server_and_no_other_provider(
    secret: str, move: dict[str, object]
) -> None:
    settings = MailboxSettings.model_validate(SETTINGS.model_dump() | {"oauth": OAUTH, "auth": "xoauth2"})
    saved = MailboxSecrets.model_validate({secret: "saved"})

    with pytest.raises(Invalid) as raised:
        merged(settings, saved, move)
    assert [error.field for error in raised.value.errors] == [secret]
    assert getattr(merged(settings, saved, {**move, secret: "typed again"}), secret).get_secret_value() == "typed again"


def test_a_token_that_waited_without_a_provider_is_not_sent_to_the_first_that_comes() -> None:
    saved = MailboxSecrets.model_validate({"refresh_token": "saved"})
    moved = merged(SETTINGS, saved, {"host": "evil.example"})

    with pytest.raises(Invalid):
        merged(moved.settings, moved.secrets, {"oauth": OAUTH})


def test_without_a_saved_password_the_server_may_change() -> None:
    assert merged(SETTINGS, MailboxSecrets(), {"host": "other.example"}).host == "other.example"


def test_the_same_server_said_again_needs_no_password() -> None:
    patch = {"host": "imap.example.com", "port": 993, "security": "tls"}
    assert merged(SETTINGS, SECRETS, patch).password.get_secret_value() == "saved"


def test_the_id_stays_for_ever() -> None:
    with pytest.raises(Invalid):
        merged(SETTINGS, SECRETS, {"id": "other"})


@pytest.mark.parametrize(
    ("name", "taken", "made"),
    [
        ("Main", (), "main"),
        ("Main", ("main", "main-2"), "main-3"),
        ("  @@ ", (), "mailbox"),
        ("ÄÖÜ Berichte", (), "berichte"),
        ("x" * 255, (), "x" * 56),
    ],
)
def test_an_id_is_made_from_the_name(name: str, taken: tuple[str, ...], made: str) -> None:
    assert slug(name, taken) == made
