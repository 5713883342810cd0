"""OAuth 2 settings: what is known of the providers, and what cannot work."""

import pytest
from pydantic import ValidationError

from pipeline.contracts.mailbox import MailboxSettings
from pipeline.contracts.oauth import OAuthSettings


def test_google_and_microsoft_need_no_endpoints() -> None:
    google = OAuthSettings.model_validate({"provider": "google", "client_id": "abc"})
    microsoft = OAuthSettings.model_validate({"provider": "microsoft", "client_id": "abc", "tenant": "example.com"})

    assert (google.token_url, google.scopes) == ("https://oauth2.googleapis.com/token", "https://mail.google.com/")
    assert microsoft.token_url == "https://login.microsoftonline.com/example.com/oauth2/v2.0/token"
    assert microsoft.device_url == "https://login.microsoftonline.com/example.com/oauth2/v2.0/devicecode"
    assert "offline_access" in microsoft.scopes


def test_an_application_asks_microsoft_for_another_scope_than_a_person() -> None:
    settings = {"provider": "microsoft", "client_id": "a", "tenant": "example.com", "grant": "client_credentials"}

    assert OAuthSettings.model_validate(settings).scopes == "https://outlook.office365.com/.default"


def test_what_is_given_counts_instead_of_what_is_known() -> None:
    oauth = OAuthSettings.model_validate(
        {"provider": "microsoft", "client_id": "abc", "token_endpoint": "https://login.example.cn/t", "scope": "imap"}
    )

    assert (oauth.token_url, oauth.scopes) == ("https://login.example.cn/t", "imap")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"provider": "custom"}, "needs its token_endpoint"),
        ({"provider": "google", "client_id": ""}, "at least 1 character"),
        ({"provider": "google", "grant": "client_credentials"}, "use refresh_token"),
        ({"provider": "microsoft", "grant": "client_credentials"}, "need the tenant"),
        ({"provider": "microsoft", "tenant": "a/../b"}, "pattern"),
        ({"token_endpoint": "http://login.example.com/token"}, "https://"),
        ({"token_endpoint": "http://127.0.0.1.example.com/token"}, "https://"),
        ({"token_endpoint": "https://user:pass@login.example.com/token"}, "no user name"),
        ({"token_endpoint": "ftp://login.example.com/token"}, "should look like"),
        ({"token_endpoint": "login.example.com"}, "should look like"),
    ],
)
def test_what_cannot_work_is_refused_with_what_would_be_right(settings: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        OAuthSettings.model_validate({"client_id": "abc", **settings})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_token_server_on_this_machine_may_do_without_tls(host: str) -> None:
    url = f"http://{host}:8000/token"

    assert OAuthSettings.model_validate({"client_id": "abc", "token_endpoint": url}).token_url == url


def test_all_folders_are_named_once_and_the_first_stays_first() -> None:
    settings = MailboxSettings(name="x", host="h", username="u", folder="B", folders=("A", "B", "C", "A"))

    assert settings.all_folders == ("B", "A", "C")


def test_mail_is_not_moved_into_a_folder_that_is_read() -> None:
    with pytest.raises(ValidationError, match="choose another folder"):
        MailboxSettings.model_validate(
            {
                "name": "x",
                "host": "h",
                "username": "u",
                "folders": ["A"],
                "on_processed": {"action": "move", "folder": "A"},
            }
        )
