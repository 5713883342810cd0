"""A reparse is asked for over the bus; the database tells how far it has come."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from parser.documents import ReadOptions
from parser.reparse.worker import Reparser
from parser.storage.transaction import AnnouncementOptions
from pipeline.contracts import topology
from pipeline.jetstream.requests import serving
from tests.support.config_api import Api


@contextmanager
def parser_of(api: Api) -> Iterator[None]:
    """A parser that takes jobs (and leaves them)."""
    database = api.backend.database
    reparser = Reparser(database, options=ReadOptions(), announcements=AnnouncementOptions(), committed=lambda: None)
    served = serving(api.backend.bus.client, topology.REPARSE_SUBJECT, reparser.ask, queue="parser")
    api.backend.run(served.__aenter__())
    try:
        yield
    finally:
        api.backend.run(served.__aexit__(None, None, None))


def test_a_reparse_becomes_a_job(api: Api) -> None:
    with parser_of(api):
        answer = api("POST", "/reparse", {"domain": "example.com", "since": "2026-01-01T00:00:00Z", "dry_run": True})

    assert answer.status_code == 202, answer.text
    job = dict(answer.json or {})
    assert (job["who"], job["documents"], job["counts"], job["finished_at"]) == ("admin token", 0, {}, None)
    assert job["wish"]["dry_run"] is True
    assert answer.headers["Location"] == f"/api/v1/reparse/{job['id']}"
    assert api("GET", f"/reparse/{job['id']}").json == job


def test_without_a_parser_it_is_told(api: Api) -> None:
    answer = api("POST", "/reparse", {})

    assert answer.status_code == 503
    assert "parser" in answer.text


@pytest.mark.parametrize(
    "body",
    [{"since": "yesterday"}, {"reason": "because"}, {"domain": "a\0b"}, {"colour": "red"}, {"since": "2026-01-01"}],
)
def test_a_request_that_cannot_be_followed_is_told(api: Api, body: dict[str, str]) -> None:
    assert api("POST", "/reparse", body).status_code == 422


@pytest.mark.parametrize("number", [0, 7, 2**63])
def test_there_is_no_such_job(api: Api, number: int) -> None:
    assert api("GET", f"/reparse/{number}").status_code == 404


def test_a_token_that_may_only_read_may_not_start_one(api: Api) -> None:
    token = api("POST", "/tokens", {"name": "reader", "scope": "read"}).json["token"]  # type: ignore[index]

    assert api.with_token(token)("POST", "/reparse", {}).status_code == 403
