from typing import Any

import pytest

from pipeline.contracts.mailbox import Mailbox
from pipeline.jetstream.mailboxes import MailboxBucket
from pipeline.settings import Settings
from tests.support.config_api import MAILBOX, Api, eventually, running_api
from tests.support.extracted import extracted, mail_ref
from tests.support.keys import OTHER_KEY
from tests.support.reports import report_xml
from tests.support.stored import store

SECRET = str(MAILBOX["password"])


def test_a_mailbox_is_made_shown_listed_and_removed(api: Api) -> None:
    made = api("POST", "/mailboxes", MAILBOX)
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/mailboxes/reports-of-example-com")
    shown = api("GET", "/mailboxes/reports-of-example-com")
    assert shown.json is not None
    assert {name: shown.json[name] for name in ("host", "port", "version", "has_password", "folder")} == {
        "host": "imap.example.com", "port": 993, "version": 1, "has_password": True, "folder": "INBOX",
    }  # fmt: skip
    assert shown.json["state"]["word"] == "never"
    assert [item["id"] for item in api("GET", "/mailboxes").json["items"]] == ["reports-of-example-com"]  # type: ignore[index]
    gone = api("DELETE", "/mailboxes/reports-of-example-com", headers={"If-Match": shown.headers["ETag"]})
    assert gone.status_code == 204
    assert api("GET", "/mailboxes/reports-of-example-com").status_code == 404


def test_a_password_goes_in_and_never_comes_out(api: Api) -> None:
    made = api("POST", "/mailboxes", MAILBOX)
    texts = [made.text, api("GET", "/mailboxes").text, api("GET", "/activity").text]
    texts.append(api("PATCH", f"/mailboxes/{made.json['id']}", {"port": 70000}, headers={"If-Match": "*"}).text)  # type: ignore[index]
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize(
    "wrong",
    [{"password": {"value": SECRET}}, {"password": [SECRET]}, {"pasword": SECRET}, {"port": SECRET}, {"auth": SECRET}],
)
def test_a_refusal_names_the_field_and_does_not_repeat_what_was_sent(api: Api, wrong: dict[str, Any]) -> None:
    answer = api("POST", "/mailboxes", {**MAILBOX, "password": "x", **wrong})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert [error["field"] for error in answer.json["errors"]] == [next(iter(wrong))]  # type: ignore[index]
    assert SECRET not in answer.text


def test_a_nested_field_is_named_by_its_path(api: Api) -> None:
    answer = api("POST", "/mailboxes", {**MAILBOX, "on_processed": {"action": "move"}})
    assert answer.status_code == 422
    error = answer.json["errors"][0]  # type: ignore[index]
    assert error["field"] == "on_processed.folder"
    assert error["text"] == "Enter the folder that the email is moved to."


def test_a_patch_changes_only_what_it_names(api: Api) -> None:
    api.add_mailbox(id="main", filters={"senders": ["example.com"], "max_age_days": 30})
    patch = {"filters": {"max_age_days": None}, "folder": "Reports"}
    changed = api("PATCH", "/mailboxes/main", patch, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert changed.json is not None
    assert changed.headers["ETag"] == '"2"'
    assert changed.json["filters"] == {"subject_contains": [], "senders": ["example.com"], "max_age_days": None}
    assert (changed.json["folder"], changed.json["has_password"]) == ("Reports", True)


def test_of_two_people_who_edit_the_second_is_told(api: Api) -> None:
    etag = f'"{api.add_mailbox(id="main")["version"]}"'
    assert api("PATCH", "/mailboxes/main", {"folder": "A"}, headers={"If-Match": etag}).status_code == 200
    second = api("PATCH", "/mailboxes/main", {"folder": "B"}, headers={"If-Match": etag})
    assert second.status_code == 412
    assert api("DELETE", "/mailboxes/main", headers={"If-Match": etag}).status_code == 412
    assert api("GET", "/mailboxes/main").json["folder"] == "A"  # type: ignore[index]


def test_a_change_without_saying_which_version_is_refused(api: Api) -> None:
    api.add_mailbox(id="main")
    assert api("PATCH", "/mailboxes/main", {"folder": "A"}).status_code == 428
    assert api("DELETE", "/mailboxes/main").status_code == 428
    assert api("PATCH", "/mailboxes/main", {"folder": "A"}, headers={"If-Match": "*"}).status_code == 200
    assert api("PATCH", "/mailboxes/main", {"folder": "A"}, headers={"If-Match": "mine"}).status_code == 422


@pytest.mark.parametrize(
    "move", [{"host": "evil.example"}, {"port": 994}, {"username": "other"}, {"security": "none"},
             {"verify_certificate": False}]
)  # fmt: skip
def test_a_saved_password_does_not_follow_to_another_server(api: Api, move: dict[str, Any]) -> None:
    api.add_mailbox(id="main")
    moved = api("PATCH", "/mailboxes/main", move, headers={"If-Match": "*"})
    tested = api("POST", "/mailboxes/main/test", move)
    for answer in (moved, tested):
        assert answer.status_code == 422
        assert answer.json["errors"][0]["field"] == "password"  # type: ignore[index]
    again = {**move, "password": "typed again"}
    assert api("PATCH", "/mailboxes/main", again, headers={"If-Match": "*"}).status_code == 200


def test_a_mailbox_that_has_fetched_stays_with_its_account(api: Api) -> None:
    """Another account may give its mails the same numbers: they would pass for known."""
    api.add_mailbox(id="main")
    other = {"username": "other@example.com", "password": "another password"}
    assert api("PATCH", "/mailboxes/main", other, headers={"If-Match": "*"}).status_code == 200
    store(api.backend, extracted(1, report_xml(), mail=mail_ref(1, mailbox_id="main")))

    refused = api("PATCH", "/mailboxes/main", {**other, "username": "third@example.com"}, headers={"If-Match": "*"})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "username"  # type: ignore[index]
    assert "new mailbox" in refused.json["errors"][0]["text"]  # type: ignore[index]
    same = {**other, "username": "Other@example.com", "name": "Renamed"}
    assert api("PATCH", "/mailboxes/main", same, headers={"If-Match": "*"}).status_code == 200


def test_an_id_is_never_used_twice(api: Api) -> None:
    api.add_mailbox(id="main")
    assert api("DELETE", "/mailboxes/main", headers={"If-Match": "*"}).status_code == 204
    assert api("POST", "/mailboxes", {**MAILBOX, "id": "main"}).status_code == 409
    first, second = api.add_mailbox(), api.add_mailbox()
    assert (first["id"], second["id"]) == ("reports-of-example-com", "reports-of-example-com-2")


def test_every_change_is_in_the_activity_log_with_who_and_what(api: Api) -> None:
    api.add_mailbox(id="main")
    api("PATCH", "/mailboxes/main", {"folder": "A", "password": "new one"}, headers={"If-Match": "*"})
    api("POST", "/mailboxes/main/pause")
    api("POST", "/mailboxes/main/resume")
    api("POST", "/mailboxes/main/resume")
    items = api("GET", "/mailboxes/main/activity").json["items"]  # type: ignore[index]
    told = [(item["line"]["name"], item["line"]["data"]) for item in reversed(items)]
    assert [(name, data["who"], sorted(data.get("fields", []))) for name, data in told] == [
        ("mailbox_created", "admin token", []),
        ("mailbox_changed", "admin token", ["folder", "password"]),
        ("mailbox_paused", "admin token", ["enabled"]),
        ("mailbox_resumed", "admin token", ["enabled"]),
    ]
    changes = {change["name"]: (change["before"], change["after"]) for change in told[1][1]["changes"]}
    assert changes == {"Folder": ("“INBOX”", "“A”"), "Password": ("", "")}


def test_a_mailbox_that_would_sign_in_without_a_password_is_refused_at_that_field(api: Api) -> None:
    bare = {name: value for name, value in MAILBOX.items() if name != "password"}
    refused = api("POST", "/mailboxes", bare)
    assert (refused.status_code, [each["field"] for each in refused.json["errors"]]) == (422, ["password"])  # type: ignore[index]

    paused = api("POST", "/mailboxes", {**bare, "id": "later", "enabled": False})
    assert paused.status_code == 201
    any_version = {"If-Match": "*"}
    assert api("PATCH", "/mailboxes/later", {"enabled": True}, headers=any_version).status_code == 422
    both = {"enabled": True, "password": SECRET}
    assert api("PATCH", "/mailboxes/later", both, headers=any_version).status_code == 200
    assert api("PATCH", "/mailboxes/later", {"password": None}, headers=any_version).status_code == 422


def test_fetchers_hear_of_each_change_with_the_password_encrypted(api: Api) -> None:
    api.add_mailbox(id="main")
    first = eventually(lambda: _on_the_bus(api).get("main"))
    assert (first.version, first.secrets.password.get_secret_value()) == (1, SECRET)
    api("POST", "/mailboxes/main/pause")
    eventually(lambda: not _on_the_bus(api)["main"].settings.enabled)
    assert eventually(lambda: api("GET", "/mailboxes/main").json["is_published"])  # type: ignore[index]
    api("DELETE", "/mailboxes/main", headers={"If-Match": "*"})
    eventually(lambda: "main" not in _on_the_bus(api))


def test_what_the_bus_forgot_is_told_again_at_the_next_start(settings: Settings) -> None:
    with running_api(settings) as api:
        api.add_mailbox(id="main")
        eventually(lambda: "main" in _on_the_bus(api))
        api.backend.run(_bucket(api).delete("main"))
        api.backend.run(_put_stranger(api))
    with running_api(settings) as again:
        eventually(lambda: set(_on_the_bus(again)) == {"main"})


def test_secrets_are_encrypted_again_under_the_first_key(settings: Settings) -> None:
    with running_api(settings) as api:
        api.add_mailbox(id="main")
    old = settings.secret_key.get_secret_value()
    both = settings.model_copy(update={"secret_key": type(settings.secret_key)(f"{OTHER_KEY},{old}")})
    with running_api(both) as api:
        assert api("POST", "/mailboxes/rotate-secrets").json == {"mailboxes": 1, "channels": 0}
    new = settings.model_copy(update={"secret_key": type(settings.secret_key)(OTHER_KEY)})
    with running_api(new) as api:
        assert api("GET", "/mailboxes/main").json["has_password"]  # type: ignore[index]
        told = eventually(lambda: _on_the_bus(api).get("main"))
        assert told.secrets.password.get_secret_value() == SECRET


def _bucket(api: Api) -> MailboxBucket:
    return MailboxBucket(api.backend.bus.js, api.backend.keys)


def _on_the_bus(api: Api) -> dict[str, Mailbox]:
    async def read() -> dict[str, Mailbox]:
        return {change.id: change.mailbox for change in await _bucket(api).all() if change.mailbox is not None}

    return api.backend.run(read())


async def _put_stranger(api: Api) -> None:
    bucket = await api.backend.bus.js.key_value("mailbox")
    await bucket.put("stranger", b"{}")
