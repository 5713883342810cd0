"""`dmarq user`: who signs in, from the command line."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from tests.support.config_api import Api, api_settings, running_api, served
from tests.support.people import PASSWORD, audited, browser_of
from tests.support.services import ADMIN_TOKEN
from tests.support.signing_in import sign_in


@pytest.fixture
def api(nats_url: str, migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with running_api(api_settings(nats_url=nats_url, database_url=migrated_url)) as opened, served(opened) as address:
        monkeypatch.setenv("DMARQ_HTTP_ADDRESS", address)
        monkeypatch.setenv("DMARQ_ADMIN_TOKEN", ADMIN_TOKEN)
        yield opened


def user(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(dmarq, ["user", *arguments], input=typed)


def test_a_user_is_added_listed_changed_and_disabled(api: Api) -> None:
    assert "no user yet" in user("list").output
    added = user("add", "alice", "--role", "operator", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert (added.exit_code, "added alice as operator" in added.output) == (0, True)
    assert PASSWORD not in added.output
    browser = browser_of(api, "alice")
    changed = user("set-role", "Alice", "viewer", "--domain", "example.com")
    assert changed.output == "alice is viewer for example.com\n"
    assert browser.get("/account").status_code == 303
    assert user("set-password", "alice", "--password-file", "-", typed="another long password\n").exit_code == 0
    assert sign_in(api.browser(), "another long password", name="alice").status_code == 303
    assert user("disable", "alice").output == "disabled\n"
    assert sign_in(api.browser(), "another long password", name="alice").status_code == 401
    assert user("disable", "alice", "--undo").output == "enabled\n"
    [listed] = [json.loads(line) for line in user("list", "--json").output.splitlines()]
    assert (listed["name"], listed["role"], listed["domains"]) == ("alice", "viewer", ["example.com"])
    assert "example.com" in user("list").output
    assert {line["via"] for line in audited(api, "?who=admin%20token")} == {"command line"}


def test_what_cannot_be_is_told_in_one_line(api: Api) -> None:
    for arguments, said in (
        (("set-role", "nobody", "admin"), "there is no user nobody"),
        (("add", "alice", "--role", "admin", "--domain", "example.com", "--provider"), "Only a viewer may be bound"),
        (("add", "alice", "--role", "owner"), "Invalid value"),
    ):
        told = user(*arguments)
        assert told.exit_code != 0
        assert said in told.output
