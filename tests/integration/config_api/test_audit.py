"""The audit log: who changed what, when and from where; never a secret, and never changed itself."""

import asyncio
import csv
import io

import asyncpg
import pytest

from pipeline.settings import Settings
from tests.support.config_api import MAILBOX, Api
from tests.support.people import PASSWORD, add_user, audited, press, user_browser
from tests.support.signing_in import made_token, set_password


def test_a_change_is_noted_with_who_from_where_and_before_and_after(api: Api) -> None:
    made = api.add_mailbox(id="main")
    patch = {"folder": "Reports", "password": "a new secret of the mailbox"}
    etag = f'"{made["version"]}"'
    answer = api("PATCH", "/mailboxes/main", patch, headers={"If-Match": etag, "User-Agent": "dmarq/1.0"})
    assert answer.status_code == 200
    [line] = audited(api, "?action=mailbox_changed")
    assert (line["who"], line["via"], line["address"], line["target"]) == (
        "admin token", "command line", "127.0.0.1", "main"
    )  # fmt: skip
    changes = {each["name"]: (each["before"], each["after"]) for each in line["changes"]}
    assert changes["Folder"] == ("“INBOX”", "“Reports”")
    assert changes["Password"] == ("", "")


def test_no_secret_is_in_any_line(api: Api) -> None:
    token = made_token(api, "admin")
    api.add_mailbox(id="main")
    add_user(api, "alice", "viewer", domains=["example.com"])
    set_password(api, "a long enough password")
    api("POST", "/sign-in-links")
    said = str(audited(api, "?limit=500"))
    assert {"token_created", "mailbox_created", "user_added", "password_changed"} <= {
        line["action"] for line in audited(api)
    }
    for secret in (token, PASSWORD, MAILBOX["password"], "a long enough password", "once_"):
        assert secret not in said


def test_what_a_user_may_do_is_noted_before_and_after(api: Api) -> None:
    user = add_user(api, "alice", "admin")
    api("PATCH", f"/users/{user['id']}", {"role": "viewer", "domains": ["example.com"]})
    [line] = audited(api, "?action=user_changed")
    assert line["changes"] == [
        {"name": "Role", "before": "admin", "after": "viewer"},
        {"name": "Domains", "before": "all", "after": "example.com"},
    ]


def test_what_has_no_line_of_its_own_gets_a_general_one_and_what_was_refused_none(api: Api) -> None:
    olga = user_browser(api, "olga", "operator")
    assert press(olga, "/settings/mailboxes", "/settings/mailboxes/nothing/pause").status_code == 404
    reader = api.with_token(made_token(api, "operate"))
    assert reader("POST", "/reparse", {"dry_run": True}).status_code in (202, 503)
    by_olga = [line["action"] for line in audited(api, "?who=OLGA")]
    assert by_olga == ["signed_in"]


def test_the_log_is_filtered_paged_and_exported(api: Api) -> None:
    for number in range(5):
        add_user(api, f"user {number}", "viewer")
    first = api("GET", "/audit?limit=2&action=user_added").json
    assert first is not None
    assert [line["target"] for line in first["items"]] == ["user 4", "user 3"]
    rest = api("GET", f"/audit?limit=10&action=user_added&cursor={first['next_cursor']}").json
    assert rest is not None
    assert [line["target"] for line in rest["items"]] == ["user 2", "user 1", "user 0"]
    assert [line["target"] for line in audited(api, "?q=USER%203")] == ["user 3"]
    table = list(csv.DictReader(io.StringIO(api("GET", "/audit?format=csv").text)))
    assert [row["target"] for row in table] == [f"user {number}" for number in (4, 3, 2, 1, 0)]
    assert api("GET", "/audit?limit=0").status_code == 422
    assert api("GET", "/audit?limit=2&total=true").json["total"] == {"count": 5, "exact": True}  # type: ignore[index]


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
def test_a_line_stays_as_it_is_even_for_the_owner_of_the_table(api: Api, settings: Settings, statement: str) -> None:
    add_user(api, "alice", "viewer")

    async def tried() -> None:
        connection = await asyncpg.connect(settings.database_url.get_secret_value())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with pytest.raises(asyncpg.RestrictViolationError, match="only ever added to"):
        asyncio.run(tried())
    assert [line["who"] for line in audited(api, "?action=user_added")] == ["admin token"]
