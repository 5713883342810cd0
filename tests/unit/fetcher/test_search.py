from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.imap.grammar.arguments import Argument, Criteria, Literal
from fetcher.imap.grammar.fetch_answer import Meta
from fetcher.reading.filters import criteria_for, headers_of, matches, needs_headers
from pipeline.contracts.mailbox import Filters

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def mail(header: str | bytes = b"", *, days_old: float | None = 0) -> Meta:
    raw = header.encode() if isinstance(header, str) else header
    received = None if days_old is None else NOW - timedelta(days=days_old)
    return Meta(uid=1, size=1, internal_date=received, flags=frozenset(), header=raw)


@pytest.mark.parametrize(
    ("criteria", "keys"),
    [
        (Criteria(), ["UID", "1:*"]),
        (Criteria(after_uid=9, up_to_uid=20), ["UID", "10:20"]),
        (Criteria(since=date(2026, 3, 1)), ["UID", "1:*", "SINCE", "1-Mar-2026"]),
        (Criteria(senders=("a.example",)), ["UID", "1:*", "FROM", '"a.example"']),
        (
            Criteria(subjects=('a "b"', "b", "ü")),
            ["UID", "1:*", "OR", "OR", "SUBJECT", '"a \\"b\\""', "SUBJECT", '"b"', "SUBJECT", Literal("ü".encode())],
        ),
    ],
)
def test_criteria_become_search_keys(criteria: Criteria, keys: list[Argument]) -> None:
    assert criteria.keys() == keys


def test_a_charset_is_needed_only_for_text_that_is_not_ascii() -> None:
    assert not Criteria(subjects=("report",), senders=("a.example",)).charset_needed
    assert Criteria(subjects=("bericht für",)).charset_needed


def test_the_last_mail_is_not_wanted_again_when_nothing_is_new() -> None:
    criteria = Criteria(after_uid=9, up_to_uid=11)

    assert [uid for uid in (9, 10, 11, 12) if criteria.wanted(uid)] == [10, 11]


def test_filters_ask_the_server_for_a_day_more_than_is_wanted() -> None:
    filters = Filters(max_age_days=3, senders=("@a.example",), subject_contains=("Report",))

    expected = Criteria(4, None, date(2026, 3, 6), ("a.example",), ("Report",))
    assert criteria_for(filters, now=NOW, after_uid=4) == expected


@pytest.mark.parametrize(
    ("filters", "meta", "fits"),
    [
        (Filters(), mail(), True),
        (Filters(max_age_days=3), mail(days_old=2.9), True),
        (Filters(max_age_days=3), mail(days_old=3.1), False),
        (Filters(max_age_days=3), mail(days_old=None), True),
        (Filters(subject_contains=("REPORT",)), mail("Subject: Your report is here\r\n"), True),
        (Filters(subject_contains=("report domain",)), mail("Subject: Report\r\n\tDomain: x\r\n"), True),
        (Filters(subject_contains=("x", "y")), mail("Subject: y\r\n"), True),
        (Filters(subject_contains=("x", "y")), mail("Subject: z\r\n"), False),
        (Filters(subject_contains=("x",)), mail(""), False),
        (Filters(subject_contains=("für",)), mail("Subject: =?utf-8?q?Bericht_f=C3=BCr?= x\r\n"), True),
        (
            Filters(subject_contains=("ericht für",)),
            mail("Subject: =?utf-8?q?Ber?=\r\n =?utf-8?q?icht_f=C3=BCr?=\r\n"),
            True,
        ),
        (Filters(subject_contains=("für",)), mail("Subject: für\r\n".encode("latin-1")), True),
        (Filters(senders=("a.example",)), mail("From: X <x@A.example>\r\n"), True),
        (Filters(senders=("a.example",)), mail("From: x@sub.a.example\r\n"), True),
        (Filters(senders=("a.example",)), mail("From: x@nota.example\r\n"), False),
        (Filters(senders=("a.example",)), mail('From: "a@a.example" <x@evil.example>\r\n'), False),
        (Filters(senders=("x@a.example",)), mail("From: X@a.example\r\n"), True),
        (Filters(senders=("x@a.example",)), mail("From: y@a.example\r\n"), False),
        (Filters(senders=("a.example",)), mail("From: y@b.example, x@a.example\r\n"), True),
        (Filters(senders=("a.example",), subject_contains=("r",)), mail("From: x@a.example\r\nSubject: n\r\n"), False),
    ],
)
def test_a_mail_must_pass_every_filter_that_is_set(filters: Filters, meta: Meta, fits: bool) -> None:
    assert matches(filters, meta, now=NOW) is fits


@pytest.mark.parametrize(
    "subject", ["=?x-unknown?q?a=FF?=", "=?utf-8?b?!!!?=", "=?utf-8?q?=ZZ?=", "=?utf-8?b?AAAA", "=?utf-8?b?a?="]
)
def test_a_subject_that_cannot_be_decoded_is_no_error(subject: str) -> None:
    assert isinstance(headers_of(f"Subject: {subject}\r\n".encode()).subject, str)


def test_headers_are_fetched_only_for_filters_that_look_at_them() -> None:
    assert not needs_headers(Filters(max_age_days=1))
    assert needs_headers(Filters(senders=("a.example",)))


@pytest.mark.parametrize("charset", ["idna", "punycode", "undefined", "utf-7", "unicode_escape", "hex", "no-such-one"])
def test_a_strange_charset_in_a_subject_does_no_harm(charset):
    subject = headers_of(f"Subject: =?{charset}?Q?report_+2AA-_=5Cud800?=\r\n".encode()).subject
    assert subject
    subject.encode("utf-8")


@pytest.mark.parametrize("sender", ["(" * 1000 + "a@a.example", "(" * 490 + ")" * 490 + "a@a.example"])
def test_a_sender_in_very_many_parentheses_is_judged_like_any_other(sender: str) -> None:
    assert matches(Filters(senders=("a.example",)), mail(f"From: {sender}\r\n"), now=NOW) is (")" in sender)


@given(st.binary(max_size=200))
def test_no_header_block_makes_the_filters_fail(raw):
    headers = headers_of(b"Subject: " + raw + b"\r\nFrom: " + raw)
    headers.subject.encode("utf-8")
