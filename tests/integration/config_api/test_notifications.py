"""Channels, rules, alerts and mutes by HTTP: secrets go in, never come out, and go nowhere else."""

from typing import Any

import pytest

from config_api.errors import Invalid
from config_api.notifications.channels import merged
from pipeline.notifications.channels import ChannelSecrets, ChannelSettings, belonging
from pipeline.settings import Settings
from tests.support.config_api import Api, running_api
from tests.support.keys import OTHER_KEY

URL = "https://hooks.example.com/services/a-secret-token"
HOOK = {"name": "Operations", "kind": "webhook", "url": URL}
MAIL = {
    "name": "Mail", "kind": "email", "password": "correct horse battery",
    "email": {"host": "smtp.example.com", "username": "u", "sender": "d@example.com", "recipients": ["o@example.com"]},
}  # fmt: skip
CHANNELS = "/notifications/channels"
DEAD = """
INSERT INTO notify_delivery (channel_id, kind, key, payload, state, due_at, detail)
VALUES ('operations', 'alert', 'alert.1', $1, 'dead', now(), '410 Gone')
"""


def add(api: Api, wanted: dict[str, Any]) -> dict[str, Any]:
    answer = api("POST", CHANNELS, wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json or {})


def test_a_url_is_never_shown_again_and_the_signing_key_once(api: Api) -> None:
    made = add(api, HOOK)

    assert made["id"] == "operations"
    assert made["destination"] == "https://hooks.example.com:443"
    assert made["signing_key"].startswith("whsec_")
    assert made["saved_secrets"] == ["signing_key", "url"]
    seen = "".join(api("GET", path).text for path in (CHANNELS, f"{CHANNELS}/operations"))
    assert "secret-token" not in seen + str(made)
    assert made["signing_key"] not in seen


def test_secrets_are_sealed_for_the_channel_and_its_destination(api: Api) -> None:
    add(api, HOOK)
    back = api.backend

    async def row() -> Any:
        async with back.database.connection() as connection:
            return await connection.fetchrow("SELECT settings, secret FROM notify_channel")

    kept = back.run(row())
    settings = ChannelSettings.model_validate(kept["settings"])

    assert "secret-token" not in str(kept["settings"]) + kept["secret"]
    plain = back.keys.open(kept["secret"], belongs_to=belonging("operations", settings))
    assert ChannelSecrets.model_validate_json(plain).url is not None


@pytest.mark.parametrize(
    ("patch", "astray"),
    [
        ({"email": {"host": "evil.example"}}, ["password"]),
        ({"email": {"port": 25}}, ["password"]),
        ({"email": {"security": "none"}}, ["password"]),
        ({"email": {"username": "other"}}, ["password"]),
        ({"email": {"host": "new.example"}, "password": "another one"}, []),
        ({"email": {"recipients": ["x@example.com"]}, "name": "Other", "password": ""}, []),
    ],
)
def test_a_saved_password_is_only_kept_for_where_it_was_saved_for(
    api: Api, patch: dict[str, Any], astray: list[str]
) -> None:
    add(api, MAIL)

    answer = api("PATCH", f"{CHANNELS}/mail", patch)

    assert answer.status_code == (422 if astray else 200), answer.text
    assert [error["field"] for error in (answer.json or {}).get("errors", [])] == astray
    assert "password" in (api("GET", f"{CHANNELS}/mail").json or {})["saved_secrets"]


def test_a_webhook_that_moves_needs_its_key_again() -> None:
    saved = ChannelSecrets.model_validate({"url": URL, "signing_key": "whsec_" + "A" * 44})
    before = ChannelSettings.model_validate(
        {"name": "Operations", "kind": "webhook", "destination": "https://hooks.example.com:443"}
    )

    with pytest.raises(Invalid) as refused:
        merged("operations", before, saved, {"url": "https://evil.example/x"})

    assert [error.field for error in refused.value.errors] == ["signing_key"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({**HOOK, "url": "ftp://x.example/"}, "url"),
        ({**HOOK, "url": None}, "url"),
        ({**HOOK, "kind": "apprise", "url": "json://127.0.0.1/"}, "url"),
        ({**HOOK, "signing_key": "weak"}, "signing_key"),
        ({**HOOK, "destination": "https://evil.example:443"}, "destination"),
        ({**HOOK, "time_zone": "../etc"}, "time_zone"),
        ({**MAIL, "email": None}, "email"),
        ({**MAIL, "email": {**MAIL["email"], "sender": "a@b\r\nBcc: c@d"}}, "email.sender"),  # type: ignore[dict-item]
        ({**MAIL, "email": {**MAIL["email"], "recipients": []}}, "email.recipients"),  # type: ignore[dict-item]
    ],
)
def test_a_channel_that_cannot_work_is_refused_by_the_name_of_its_field(
    api: Api, wanted: dict[str, Any], field: str
) -> None:
    answer = api("POST", CHANNELS, wanted)

    assert answer.status_code == 422
    assert [error["field"] for error in (answer.json or {})["errors"]] == [field]
    assert "secret-token" not in answer.text


def test_a_test_without_a_notifier_says_so(api: Api) -> None:
    add(api, HOOK)

    answer = api("POST", f"{CHANNELS}/operations/test")

    assert answer.status_code == 503
    assert "No notifier is running" in answer.text
    assert api("POST", f"{CHANNELS}/nowhere/test").status_code == 404


def test_a_rule_is_changed_and_set_back(api: Api) -> None:
    path = "/notifications/rules/dead_letters"
    quiet = {"begin": "22:00", "end": "07:00"}
    changed = api("PATCH", path, {"threshold": 10, "urgency": "critical", "quiet_hours": quiet})
    back = api("PATCH", path, {"threshold": None, "urgency": None, "quiet_hours": None})

    assert changed.json is not None
    assert back.json is not None
    assert (changed.json["threshold"], changed.json["is_default"]) == (10, False)
    assert (back.json["threshold"], back.json["is_default"]) == (1, True)
    assert api("PATCH", path, {"threshold": -1}).status_code == 422
    assert api("PATCH", "/notifications/rules/none_such", {}).status_code == 404


def test_the_log_names_only_the_fields_of_a_rule_that_changed(api: Api) -> None:
    path = "/notifications/rules/dead_letters"
    whole = {
        "enabled": True,
        "threshold": 25,
        "urgency": "warning",
        "domains": [],
        "quiet_hours": None,
    }  # as a form sends
    api("PATCH", path, whole)
    api("PATCH", path, whole)

    lines = api("GET", "/logs?source=settings").text
    assert lines.count("changed the rule dead_letters") == 1
    assert "changed the rule dead_letters: threshold" in lines


def test_what_was_given_up_says_which_alert_it_was_and_can_be_retried_once(api: Api) -> None:
    add(api, HOOK)
    back = api.backend

    async def give_up() -> None:
        async with back.database.connection() as connection:
            await connection.execute(DEAD, {"title": "2 emails could not be read"})

    back.run(give_up())
    (dead,) = (api("GET", "/notifications/deliveries?state=dead").json or {})["items"]

    assert (dead["title"], dead["detail"]) == ("2 emails could not be read", "410 Gone")
    assert api("POST", f"/notifications/deliveries/{dead['id']}/retry").status_code == 204
    assert (api("GET", "/notifications/deliveries").json or {})["items"][0]["state"] == "waiting"
    assert api("POST", f"/notifications/deliveries/{dead['id']}/retry").status_code == 404


def test_a_mute_says_what_and_by_whom_and_can_be_removed(api: Api) -> None:
    made = api("POST", "/notifications/mutes", {"rule": "dead_letters", "subject": "encrypted"})
    assert made.status_code == 201, made.text
    assert api("POST", "/notifications/mutes", {}).status_code == 422

    (mute,) = (api("GET", "/notifications/mutes").json or {})["items"]
    assert (mute["rule"], mute["subject"], mute["until"]) == ("dead_letters", "encrypted", None)
    assert api("DELETE", f"/notifications/mutes/{mute['id']}").status_code == 204
    assert api("DELETE", f"/notifications/mutes/{mute['id']}").status_code == 404


def test_changes_are_in_the_activity_log_without_any_secret(api: Api) -> None:
    add(api, HOOK)
    api("PATCH", f"{CHANNELS}/operations", {"max_per_hour": 5})
    api("DELETE", f"{CHANNELS}/operations")

    lines = api("GET", "/logs?source=settings").text
    for words in ("added the channel operations", "changed the channel operations", "removed the channel operations"):
        assert words in lines
    assert "secret-token" not in lines


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_only_an_administrator_changes_channels(api: Api, method: str) -> None:
    add(api, HOOK)
    token = (api("POST", "/tokens", {"name": "t", "scope": "operate"}).json or {})["token"]
    path = CHANNELS if method == "POST" else f"{CHANNELS}/operations"

    assert api.with_token(token)(method, path, {"name": "x"} if method != "DELETE" else None).status_code == 403


def test_after_a_change_of_keys_a_channel_opens_without_the_old_one(settings: Settings) -> None:
    old, secret_str = settings.secret_key.get_secret_value(), type(settings.secret_key)
    with running_api(settings) as api:
        add(api, HOOK)
        add(api, MAIL)
    with running_api(settings.model_copy(update={"secret_key": secret_str(f"{OTHER_KEY},{old}")})) as api:
        assert api("POST", "/mailboxes/rotate-secrets").json == {"mailboxes": 0, "channels": 2}
    with running_api(settings.model_copy(update={"secret_key": secret_str(OTHER_KEY)})) as api:
        listed = {each["id"]: each["saved_secrets"] for each in (api("GET", CHANNELS).json or {})["items"]}

    assert listed == {"operations": ["signing_key", "url"], "mail": ["password"]}


def test_a_change_of_keys_names_the_channel_that_no_key_opens(settings: Settings) -> None:
    with running_api(settings) as api:
        add(api, HOOK)
    lost = settings.model_copy(update={"secret_key": type(settings.secret_key)(OTHER_KEY)})
    with running_api(lost) as api:
        answer = api("POST", "/mailboxes/rotate-secrets")

    assert answer.status_code == 409
    assert "operations" in answer.text
