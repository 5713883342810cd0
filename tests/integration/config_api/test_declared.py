import json
from pathlib import Path

import pytest

from config_api.mailboxes.declared import read
from pipeline.settings import Settings, SettingsError
from tests.support.config_api import MAILBOX, running_api
from tests.support.extracted import extracted, mail_ref
from tests.support.reports import report_xml
from tests.support.stored import store


def test_declared_mailboxes_are_there_after_the_start(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "mailboxes.json"
    file.write_text(json.dumps([MAILBOX, {**MAILBOX, "id": "second", "folder": "Reports"}]))
    with running_api(settings, declared=read(str(file))) as api:
        found = {item["id"]: item["folder"] for item in api("GET", "/mailboxes").json["items"]}  # type: ignore[index]
        assert found == {"reports-of-example-com": "INBOX", "second": "Reports"}


def test_at_each_start_a_declared_mailbox_is_as_declared_again(settings: Settings) -> None:
    declared = read(json.dumps([{**MAILBOX, "id": "main"}]))
    with running_api(settings, declared=declared) as api:
        assert api("GET", "/mailboxes/main").json["version"] == 1  # type: ignore[index]
        api("PATCH", "/mailboxes/main", {"folder": "Other"}, headers={"If-Match": "*"})
        api.add_mailbox(id="by-hand")
    with running_api(settings, declared=declared) as api:
        mailbox = api("GET", "/mailboxes/main").json
        assert mailbox is not None
        assert (mailbox["folder"], mailbox["version"]) == ("INBOX", 3)
        api("DELETE", "/mailboxes/main", headers={"If-Match": "*"})
    with running_api(settings, declared=declared) as api:
        found = {item["id"]: item["version"] for item in api("GET", "/mailboxes").json["items"]}  # type: ignore[index]
        assert found == {"main": 5, "by-hand": 1}
    with running_api(settings, declared=declared) as api:
        assert api("GET", "/mailboxes/main").json["version"] == 5  # type: ignore[index]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("/nowhere/mailboxes.json", "cannot read the file"),
        ("[", "no JSON"),
        ("{}", "A list is needed."),
        ('[{"name": "x", "password": {"a": "hunter2"}}]', "0.host: This field is needed."),
        (json.dumps([MAILBOX, MAILBOX]), "same id or name"),
    ],
)
def test_a_wrong_declaration_is_named_and_not_repeated(setting: str, says: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(setting)
    assert says in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_declared_mailbox_does_not_go_to_another_account(settings: Settings) -> None:
    declared = [{**MAILBOX, "id": "main"}, {**MAILBOX, "id": "next"}]
    with running_api(settings, declared=read(json.dumps(declared))) as api:
        store(api.backend, extracted(1, report_xml(), mail=mail_ref(1, mailbox_id="main")))
    declared = [{**one, "username": "other@example.com"} for one in declared]
    with running_api(settings, declared=read(json.dumps(declared))) as api:
        names = {item["id"]: item["username"] for item in api("GET", "/mailboxes").json["items"]}  # type: ignore[index]
    assert names == {"main": MAILBOX["username"], "next": "other@example.com"}
