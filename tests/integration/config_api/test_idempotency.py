"""A POST that is sent again with its Idempotency-Key is not done again; it gets the answer of the first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from config_api.web.api.idempotency import MOST_KEPT
from dmarq.embedded.programs import LOOPBACK, free_port
from pipeline.contracts.limits import KiB
from tests.support.config_api import MAILBOX, Api, api_settings, eventually, running_api, served
from tests.support.services import ADMIN_TOKEN
from tests.support.signing_in import made_token

KEY = {"Idempotency-Key": "0f6e1b1c-2f5d"}
REPLAYED = "Idempotency-Replayed"


def rows(api: Api, statement: str, *values: Any) -> list[Any]:
    async def fetched() -> list[Any]:
        async with api.backend.database.connection() as connection:
            return list(await connection.fetch(statement, *values))

    return api.backend.run(fetched())


@contextmanager
def mailboxes_locked(api: Api) -> Iterator[None]:
    """Nobody can add a mailbox meanwhile."""

    async def begun() -> Any:
        connection = await asyncpg.connect(api.backend.settings.database_url.get_secret_value())
        await connection.execute("BEGIN; LOCK TABLE mailbox IN EXCLUSIVE MODE")
        return connection

    connection = api.backend.run(begun())
    try:
        yield
    finally:
        api.backend.run(connection.close())


def names(api: Api) -> list[str]:
    return [each["name"] for each in (api("GET", "/mailboxes").json or {})["items"]]


def test_a_mailbox_is_added_once_and_both_are_told_the_same(api: Api) -> None:
    first = api("POST", "/mailboxes", MAILBOX, headers=KEY)
    again = api("POST", "/mailboxes", MAILBOX, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert {name: again.headers[name] for name in ("ETag", "Location")} == {
        name: first.headers[name] for name in ("ETag", "Location")
    }
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert len(names(api)) == 1


def test_without_a_key_each_request_is_one_of_its_own(api: Api) -> None:
    assert {api("POST", "/mailboxes", MAILBOX).status_code for _ in range(2)} == {201}
    assert len(names(api)) == 2


def test_a_key_in_quotes_is_the_same_key(api: Api) -> None:
    quoted = {"Idempotency-Key": f'"{KEY["Idempotency-Key"]}"'}
    api("POST", "/mailboxes", MAILBOX, headers=KEY)

    assert api("POST", "/mailboxes", MAILBOX, headers=quoted).headers[REPLAYED] == "true"


@pytest.mark.parametrize(
    ("path", "body"), [("/mailboxes", {**MAILBOX, "name": "Other"}), ("/mailboxes/test", MAILBOX), ("/tokens", MAILBOX)]
)
def test_a_key_that_came_with_another_request_is_refused(api: Api, path: str, body: Any) -> None:
    api("POST", "/mailboxes", MAILBOX, headers=KEY)

    other = api("POST", path, body, headers=KEY)

    assert other.status_code == 422
    assert (other.json or {})["errors"][0]["field"] == "Idempotency-Key"
    assert names(api) == [MAILBOX["name"]]


def test_two_tokens_may_use_the_same_key(api: Api) -> None:
    other = api.with_token(made_token(api, "admin"))

    assert api("POST", "/mailboxes", MAILBOX, headers=KEY).status_code == 201
    assert REPLAYED not in other("POST", "/mailboxes", MAILBOX, headers=KEY).headers
    assert len(names(api)) == 2


def test_what_was_refused_may_be_sent_again_with_the_same_key_once_it_is_right(api: Api) -> None:
    assert api("POST", "/mailboxes", {**MAILBOX, "port": "x"}, headers=KEY).status_code == 422
    assert api("POST", "/mailboxes/nobody/fetch", headers=KEY).status_code == 404

    assert api("POST", "/mailboxes", MAILBOX, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, '"', "a\tb"])
def test_a_key_that_is_none_is_refused_and_nothing_is_done(api: Api, key: str) -> None:
    answer = api("POST", "/mailboxes", MAILBOX, headers={"Idempotency-Key": key})

    assert answer.status_code == 422 or key == '"'
    assert answer.status_code == 422 or names(api) == [MAILBOX["name"]]


def test_while_the_first_one_is_worked_on_the_second_is_told_so(api: Api) -> None:
    with ThreadPoolExecutor() as threads:
        with mailboxes_locked(api):
            first = threads.submit(api, "POST", "/mailboxes", MAILBOX, headers=KEY)
            eventually(lambda: rows(api, "SELECT FROM api_request"))
            second = api("POST", "/mailboxes", MAILBOX, headers=KEY)
        assert first.result().status_code == 201

    assert (second.status_code, second.headers["Retry-After"]) == (409, "1")
    assert api("POST", "/mailboxes", MAILBOX, headers=KEY).headers[REPLAYED] == "true"
    assert len(names(api)) == 1


def test_many_at_the_same_moment_add_one_mailbox(api: Api) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api("POST", "/mailboxes", MAILBOX, headers=KEY), range(16)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum(answer.status_code == 201 and REPLAYED not in answer.headers for answer in answers) == 1
    assert len(names(api)) == 1


def test_what_left_no_answer_is_never_done_again_under_its_key(api: Api) -> None:
    """The database may have done it: who asks again is told to look."""
    api.backend.answer_timeout = 1.0
    with mailboxes_locked(api):
        assert api("POST", "/mailboxes", MAILBOX, headers=KEY).status_code == 503
        assert api("POST", "/mailboxes", MAILBOX, headers=KEY).status_code == 409
    rows(api, "UPDATE api_request SET began_at = began_at - interval '3 minutes'")

    later = api("POST", "/mailboxes", MAILBOX, headers=KEY)

    assert (later.status_code, (later.json or {})["title"]) == (409, "Not known how it ended")
    assert api("POST", "/mailboxes", MAILBOX, headers={"Idempotency-Key": "another"}).status_code == 201


def test_what_could_not_begin_is_done_when_it_can(migrated_url: str) -> None:
    """The bus is away: nothing was started, and the key is free."""
    settings = api_settings(nats_url=f"nats://{LOOPBACK}:{free_port()}", database_url=migrated_url)
    with running_api(settings, ready=False) as api:
        eventually(lambda: {"postgres", "setup"}.isdisjoint(api.backend.readiness.missing))
        api.add_mailbox(id="main")

        assert api("POST", "/imports", data=b"Subject: x\r\n\r\n", headers=KEY).status_code == 503
        assert not rows(api, "SELECT FROM api_request")


def test_a_secret_in_an_answer_is_kept_sealed(api: Api) -> None:
    wanted = {"name": "dashboard", "scope": "read"}
    made = api("POST", "/tokens", wanted, headers=KEY).json or {}
    again = api("POST", "/tokens", wanted, headers=KEY)

    assert again.json == made
    assert again.headers["Cache-Control"] == "no-store"
    assert made["token"] not in str(rows(api, "SELECT * FROM api_request"))
    assert api.with_token(made["token"])("GET", "/mailboxes").status_code == 200


def test_after_a_day_a_key_is_free(api: Api) -> None:
    api("POST", "/mailboxes", MAILBOX, headers=KEY)
    rows(api, "UPDATE api_request SET began_at = began_at - interval '25 hours'")

    assert REPLAYED not in api("POST", "/mailboxes", MAILBOX, headers=KEY).headers
    assert len(rows(api, "SELECT FROM api_request")) == 1


def test_a_token_may_keep_so_many_keys(api: Api) -> None:
    api("POST", "/mailboxes", MAILBOX, headers=KEY)
    copy = "SELECT credential, 'key ' || n, request FROM api_request, generate_series(1, $1) AS n"
    rows(api, f"INSERT INTO api_request (credential, key, request) {copy}", MOST_KEPT - 1)

    answer = api("POST", "/mailboxes", {**MAILBOX, "name": "Other"}, headers={"Idempotency-Key": "one-more"})

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert names(api) == [MAILBOX["name"]]


def test_a_file_is_taken_in_once_and_another_one_under_its_key_refused(api: Api) -> None:
    file = b"Subject: x\r\n\r\n" + b"x" * 100 * KiB
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", **KEY}
    with served(api) as address, httpx.Client(base_url=f"http://{address}/api/v1", headers=headers) as client:
        first = client.post("/imports", content=file)
        again = client.post("/imports", content=file)
        other = client.post("/imports", content=file + b"y")

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert again.json() == first.json()
    assert again.headers[REPLAYED] == "true"
