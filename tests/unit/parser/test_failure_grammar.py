"""The fields of a failure report by their grammar: comments, address literals, and what cannot be read is kept."""

import gzip

import pytest

from parser.kinds.reading import SampleKept
from parser.kinds.registry import read
from parser.kinds.values import without_comments
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import FailureReport
from pipeline.errors import Rejected
from tests.support.failures import FIELDS, SAMPLE, arf


def read_failure(mail: str, *, kept: SampleKept = SampleKept.HEADERS) -> FailureReport:
    with read(gzip.compress(mail.encode()), format=DocumentFormat.ARF, sample_kept=kept) as reading:
        assert isinstance(reading.report, FailureReport)
        return reading.report


def with_field(name: str, value: str) -> str:
    """The usual report with another value of one field, which has one line."""
    lines = [f"{name}: {value}" if line.startswith(f"{name}:") else line for line in FIELDS.splitlines()]
    assert f"{name}: {value}" in lines
    return arf(fields="\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("auth-failure (dmarc)", "auth-failure"),
        ("(a) x (b) y (c)", "x y"),
        ("x (one (two (three)))", "x"),
        (r"x (a \) b)", "x"),
        ('"a (b)" (c)', '"a (b)"'),
        ("x(y)z", "x z"),
        ("x (no end", "x (no end"),
        ("x) y", "x) y"),
        ("(" * 5000, "(" * 5000),
        ("plain", "plain"),
    ],
)
def test_comments_go_and_what_is_none_stays(text: str, bare: str) -> None:
    assert without_comments(text) == bare


PLAIN = read_failure(arf())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Feedback-Type", "auth-failure (dmarc (rfc7489))"),
        ("Version", "(the) 1"),
        ("Original-Mail-From", "<jane@example.com> (envelope)"),
        ("Original-Rcpt-To", "(to) <joe@receiver.example>"),
        ("Arrival-Date", "Tue, 01 Oct 2019 (autumn) 14:59:23 +0200 (CEST)"),
        ("Reporting-MTA", "dns; mx.receiver.example (mx 1)"),
        ("Source-IP", "192.0.2.44 (mail.example.com)"),
        ("Source-Port", "2525 (submission)"),
        ("Incidents", "3 (three)"),
        ("Reported-Domain", "Example.com (policy domain)"),
        ("Auth-Failure", "dmarc (no alignment)"),
        ("Delivery-Result", "(as asked) reject"),
        ("DKIM-Domain", "example.com (d=)"),
        ("DKIM-Selector", "(s=) s1"),
    ],
)
def test_a_comment_may_stand_round_every_value(name: str, value: str) -> None:
    report = read_failure(with_field(name, value))

    assert report.repairs == PLAIN.repairs == ()
    expected = PLAIN.model_dump(exclude={"fingerprint", "raw", "arrival_date"})
    assert report.model_dump(exclude={"fingerprint", "raw", "arrival_date"}) == expected


def test_a_value_with_a_comment_is_kept_as_it_was_sent_under_the_redaction_of_all_texts() -> None:
    mail = with_field("Original-Mail-From", "<jane@example.com> (envelope)")

    assert "jane@" not in read_failure(mail).raw["original-mail-from"]
    assert read_failure(mail, kept=SampleKept.WHOLE).raw["original-mail-from"] == "<jane@example.com> (envelope)"


@pytest.mark.parametrize(
    ("written", "address", "repairs"),
    [
        ("IPv6:2001:db8::1", "2001:db8::1", ()),
        ("[IPv6:2001:DB8:0::1]", "2001:db8::1", ()),
        ("ipv6:2001:db8::1 (mx)", "2001:db8::1", ()),
        ("[192.0.2.44]", "192.0.2.44", ()),
        ("mail.example.com (192.0.2.44)", "192.0.2.44", (Repair.SOURCE_IP_FORM,)),
        ("mail.example.com [192.0.2.44]", "192.0.2.44", (Repair.SOURCE_IP_FORM,)),
        ("[192.0.2.44]:25", "192.0.2.44", (Repair.SOURCE_IP_FORM,)),
        ("192.0.2.44/32", "192.0.2.44", (Repair.SOURCE_IP_FORM,)),
        ("unknown", None, (Repair.UNREADABLE_SOURCE_IP,)),
        ("192.0.2.44, 192.0.2.45", None, (Repair.UNREADABLE_SOURCE_IP,)),
    ],
)
def test_an_address_is_a_literal_or_something_round_one(written: str, address: str | None, repairs: tuple[str]) -> None:
    report = read_failure(with_field("Source-IP", written))

    assert (report.source_ip, report.repairs) == (address, repairs)
    assert report.raw["source-ip"] == written


@pytest.mark.parametrize(("name", "value"), [("Incidents", "many"), ("Source-Port", "smtp"), ("Source-Port", "99999")])
def test_a_number_that_cannot_be_read_stays_in_raw(name: str, value: str) -> None:
    report = read_failure(with_field(name, value))

    assert report.raw == PLAIN.raw | {name.lower(): value}
    assert report.repairs == (Repair.UNREADABLE_VALUE,)


@pytest.mark.parametrize(
    "written",
    [
        "2019-10-01T12:59:23Z",
        "2019-10-01 12:59:23 UTC",
        "2019-10-01 12:59:23gmt",
        "1569934763",
        '"Tue, 01 Oct 2019 14:59:23 +0200"',
        "Tue Oct  1 12:59:23 2019",
    ],
)
def test_a_date_in_the_form_of_other_programs_is_read(written: str) -> None:
    report = read_failure(with_field("Arrival-Date", written))

    assert (report.begin, report.repairs) == (PLAIN.begin, ())


def test_a_date_that_cannot_be_read_stays_in_raw() -> None:
    report = read_failure(with_field("Arrival-Date", "yesterday"))

    assert report.raw == PLAIN.raw | {"arrival-date": "yesterday"}
    assert report.repairs == (Repair.MISSING_ARRIVAL_DATE,)


def test_a_reported_domain_that_is_none_is_taken_from_the_reported_mail_or_refused() -> None:
    mail = with_field("Reported-Domain", "not a domain")

    report = read_failure(mail)

    assert (report.domain, report.reported_domains, report.raw) == (
        "example.com",
        (),
        {"reported-domain": "not a domain"},
    )
    assert set(report.repairs) == {Repair.UNREADABLE_DOMAIN, Repair.DOMAIN_FROM_SAMPLE}
    with pytest.raises(Rejected) as refused:
        read_failure(mail.replace(SAMPLE, "Subject: nobody\n"))
    assert refused.value.reason is Reason.BAD_VALUE


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Source-IP", "192.0.2.99"),
        ("Incidents", "4"),
        ("Arrival-Date", "Wed, 02 Oct 2019 14:59:23 +0200"),
        ("Feedback-Type", "abuse"),
        ("User-Agent", "Another/2.0"),
    ],
)
def test_a_report_that_says_two_things_is_refused(name: str, other: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_failure(arf(fields=FIELDS + f"{name}: {other}\n"))

    assert refused.value.reason is Reason.AMBIGUOUS_REPORT


def test_what_is_said_twice_alike_is_said_once() -> None:
    assert read_failure(arf(fields=FIELDS + "Source-IP: 192.0.2.44 (again)\n")).source_ip == "192.0.2.44"


@pytest.mark.parametrize("label", ['text/plain; name="ATT00001.txt"', "application/octet-stream", "text/x-anything"])
def test_parts_with_other_labels_are_read_by_what_they_say(label: str) -> None:
    report = read_failure(arf(feedback_type=label, sample_type=label))

    assert (report.source_ip, report.domain, report.incidents) == ("192.0.2.44", "example.com", 3)
    assert Repair.MISLABELLED_FEEDBACK_PART in report.repairs


def test_a_field_that_is_there_twice_and_decides_nothing_is_noted() -> None:
    report = read_failure(arf(fields=FIELDS + "Delivery-Result: delivered\n"))

    assert (report.delivery_result, report.repairs) == ("reject", (Repair.REPEATED_ELEMENT,))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_feedback_part_in_another_encoding_is_read(encoding: str) -> None:
    before, _, rest = arf().partition(FIELDS)
    mail = before.encode() + FIELDS.encode(encoding) + rest.encode()

    with read(gzip.compress(mail), format=DocumentFormat.ARF) as reading:
        assert reading.report.domain == "example.com"
