"""A file handed over is a mail like any other, and the same mail for ever."""

import gzip
from hashlib import sha256

import pytest

from config_api.system.importing import looks_like_mail, ref_of
from extractor.find import find_in_mail
from pipeline.contracts import topology
from pipeline.contracts.limits import KiB, Limits
from pipeline.contracts.mail_events import MailFetched
from pipeline.contracts.mailbox import AttachmentRules
from pipeline.contracts.wire import Envelope, decode
from pipeline.settings import Settings
from tests.integration.config_api.test_dead_letters import _on_its_way
from tests.support.config_api import Api, api_settings
from tests.support.reports import report_xml

MAIL = b"Subject: a report\r\n\r\nnot really\r\n"
XML = report_xml().encode()


@pytest.fixture
def settings(nats_url: str, migrated_url: str) -> Settings:
    limits = Limits(max_mail_bytes=64 * KiB, max_attachment_bytes=32 * KiB)
    return api_settings(nats_url=nats_url, database_url=migrated_url, limits=limits)


def taken(api: Api) -> list[Envelope]:
    return [decode(found.headers or {}, found.data or b"") for found in _on_its_way(api, "MAIL")]


def test_a_mail_goes_on_its_way_as_it_is(api: Api) -> None:
    answer = api("POST", "/imports?name=a.eml", data=MAIL)

    assert answer.status_code == 202
    assert answer.json == {"mail_id": ref_of(sha256(MAIL).digest()).mail_id, "is_known": False}
    [envelope] = taken(api)
    assert isinstance(envelope.event, MailFetched)
    assert envelope.event.mail == ref_of(sha256(MAIL).digest())
    assert envelope.event.handling.on_failed.action == "none"
    assert envelope.cargo[0].bytes == MAIL


@pytest.mark.parametrize("data", [XML, gzip.compress(XML)], ids=["xml", "gzip"])
def test_a_file_that_is_no_mail_is_put_into_one_under_its_name(api: Api, data: bytes) -> None:
    name = "receiver.example!example.com!1!2.xml"

    assert api("POST", "/imports", data=data, query_string={"name": name}).status_code == 202

    [envelope] = taken(api)
    found = find_in_mail(envelope.cargo[0].bytes, rules=AttachmentRules(), limits=Limits())
    assert [(info.name, info.size) for info in found.documents] == [(name, len(XML))]


def test_a_file_is_the_same_mail_whatever_it_is_called(api: Api) -> None:
    answers = [api("POST", f"/imports?name={name}", data=XML).json for name in ("a", "b", "a")]

    assert answers == [{"mail_id": ref_of(sha256(XML).digest()).mail_id, "is_known": False}] * 3
    assert len(taken(api)) == 1


def test_an_empty_file_is_told(api: Api) -> None:
    assert api("POST", "/imports", data=b"").status_code == 422


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"<" + b" " * 40 * KiB, 413),  # more than an attachment may have
        (MAIL + b" " * 40 * KiB, 202),  # but not more than a mail may
        (MAIL + b" " * 70 * KiB, 413),
    ],
)
def test_what_is_over_a_limit_is_refused(api: Api, data: bytes, status: int) -> None:
    answer = api("POST", "/imports", data=data)

    assert answer.status_code == status, answer.text
    assert api.backend.run(api.backend.bus.count(topology.MAIL)) == (status == 202)


def test_other_routes_keep_their_smaller_limit(api: Api) -> None:
    answer = api("POST", "/mailboxes", data=b"{" + b" " * 2 * 1024 * KiB, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413


def test_a_token_that_may_only_read_may_not_import(api: Api) -> None:
    token = api("POST", "/tokens", {"name": "reader", "scope": "read"}).json["token"]  # type: ignore[index]

    assert api.with_token(token)("POST", "/imports", data=MAIL).status_code == 403


@pytest.mark.parametrize(
    ("data", "is_mail"),
    [
        (b"Received: from", True),
        (b"\r\nReturn-Path: <>", True),
        (b"\xef\xbb\xbfSubject: x", True),
        (b"From noreply@receiver.example Mon Nov  2", True),
        (XML, False),
        (b'{"a": 1}', False),
        (gzip.compress(XML), False),
        (b"PK\x03\x04", False),
        (b"hello", False),
    ],
)
def test_a_mail_is_known_by_its_first_line(data: bytes, is_mail: bool) -> None:
    assert looks_like_mail(data, name="a.eml") is is_mail
