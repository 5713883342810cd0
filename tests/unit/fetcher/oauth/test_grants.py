"""What is asked of a token endpoint, and what its answers mean."""

import json

import pytest

from fetcher.oauth import Issued, TokenFault, read_issued, renewal_form
from pipeline.contracts.connection_test import Category
from pipeline.contracts.oauth import OAuthSettings

CUSTOM = {"provider": "custom", "client_id": "abc", "token_endpoint": "https://login.example.com/token"}


def oauth(**changes: object) -> OAuthSettings:
    return OAuthSettings.model_validate({**CUSTOM, **changes})


@pytest.mark.parametrize(
    ("settings", "secret", "form"),
    [
        ({}, "", {"grant_type": "refresh_token", "client_id": "abc", "refresh_token": "r"}),
        ({"scope": "imap"}, "", {"grant_type": "refresh_token", "client_id": "abc", "refresh_token": "r"}),
        ({}, "s", {"grant_type": "refresh_token", "client_id": "abc", "refresh_token": "r", "client_secret": "s"}),
        (
            {"grant": "client_credentials", "scope": "imap"},
            "s",
            {"grant_type": "client_credentials", "client_id": "abc", "client_secret": "s", "scope": "imap"},
        ),
        (
            {"grant": "client_credentials", "provider": "microsoft", "tenant": "example.com"},
            "s",
            {
                "grant_type": "client_credentials",
                "client_id": "abc",
                "client_secret": "s",
                "scope": "https://outlook.office365.com/.default",
            },
        ),
    ],
)
def test_each_grant_has_its_form(settings: dict[str, str], secret: str, form: dict[str, str]) -> None:
    assert renewal_form(oauth(**settings), refresh_token="r", client_secret=secret) == form


@pytest.mark.parametrize(
    ("answer", "issued"),
    [
        ({"access_token": "a", "expires_in": 60}, Issued("a", 60.0)),
        ({"access_token": "a", "expires_in": "3599"}, Issued("a", 3599.0)),
        ({"access_token": "a"}, Issued("a", 3600.0)),
        ({"access_token": "a", "expires_in": -5}, Issued("a", 3600.0)),
        ({"access_token": "a", "expires_in": 1e30}, Issued("a", 7 * 24 * 3600.0)),
        ({"access_token": "a", "expires_in": 10**400}, Issued("a", 3600.0)),
        ({"access_token": "a", "expires_in": float("nan")}, Issued("a", 3600.0)),
        ({"access_token": "a", "expires_in": "soon", "refresh_token": "r"}, Issued("a", 3600.0, "r")),
        ({"access_token": "a", "expires_in": 60, "refresh_token": ["r"]}, Issued("a", 60.0)),
    ],
)
def test_a_token_is_read_from_whatever_providers_send(answer: object, issued: Issued) -> None:
    assert read_issued(200, json.dumps(answer).encode()) == issued


@pytest.mark.parametrize(
    ("status", "body", "category"),
    [
        (400, b'{"error": "invalid_grant"}', Category.AUTH_EXPIRED),
        (400, b'{"error": "interaction_required"}', Category.AUTH_EXPIRED),
        (401, b'{"error": "invalid_client"}', Category.AUTHENTICATION),
        (401, b"", Category.AUTHENTICATION),
        (400, b'{"error": "unauthorized_client"}', Category.AUTHENTICATION),
        (400, b'{"error": "authorization_declined"}', Category.AUTH_EXPIRED),
        (400, b'{"error": "admin_policy_enforced"}', Category.AUTHENTICATION),
        (403, b'{"error": "org_internal"}', Category.AUTHENTICATION),
        (401, b'{"error": "deleted_client"}', Category.AUTHENTICATION),
        (404, b"<html>", Category.AUTHENTICATION),
        (429, b"", Category.THROTTLED),
        (503, b"<html>", Category.CONNECTIVITY),
        (503, b'{"error": "temporarily_unavailable"}', Category.CONNECTIVITY),
        (200, b"<html>", Category.CONNECTIVITY),
        (200, b"[]", Category.CONNECTIVITY),
        (200, b"{}", Category.CONNECTIVITY),
        (200, b'{"access_token": "line\\nbreak"}', Category.CONNECTIVITY),
        (200, b'{"access_token": 7}', Category.CONNECTIVITY),
        (200, b"[" * 100_000, Category.CONNECTIVITY),
        (302, b"", Category.CONNECTIVITY),
    ],
)
def test_a_refusal_has_a_category(status: int, body: bytes, category: Category) -> None:
    with pytest.raises(TokenFault) as caught:
        read_issued(status, body)

    assert caught.value.category is category


def test_what_the_provider_said_is_shown_cleaned_and_cut() -> None:
    said = "AADSTS700082: expired\r\n\x1b[31m" + "x" * 1000
    with pytest.raises(TokenFault, match="AADSTS700082: expired") as caught:
        read_issued(400, json.dumps({"error": "invalid_grant", "error_description": said}).encode())

    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) < 500
    assert caught.value.code == "invalid_grant"


def test_a_token_never_shows_in_a_repr() -> None:
    assert "geheim" not in repr(Issued("geheim", 60, "geheim"))
