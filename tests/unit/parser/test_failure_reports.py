"""Failure reports: ARF (RFC 5965, RFC 6591, RFC 9991) and the notices that some servers send instead."""

import base64
import gzip

import pytest

from parser.kinds.reading import Hints, SampleKept
from parser.kinds.registry import read
from pipeline.contracts.mail import DocumentFormat
from pipeline.contracts.reasons import Reason
from pipeline.contracts.repairs import Repair
from pipeline.contracts.report import FailureReport
from pipeline.errors import Rejected
from tests.support.failures import FIELDS, NOTICE, SAMPLE, arf


def read_arf(mail: str | bytes, kept: SampleKept = SampleKept.HEADERS) -> FailureReport:
    data = mail.encode() if isinstance(mail, str) else mail
    with read(gzip.compress(data), format=DocumentFormat.ARF, sample_kept=kept, hints=Hints()) as reading:
        assert isinstance(reading.report, FailureReport)
        return reading.report


def reason_of(mail: str | bytes) -> Reason:
    with pytest.raises(Rejected) as refusal:
        read_arf(mail)
    return refusal.value.reason


def test_a_plain_report_is_read_in_full():
    report = read_arf(arf(), SampleKept.WHOLE)

    assert report.repairs == ()
    assert (report.org_name, report.domain, report.report_id) == (
        "ExampleReporter/1.0", "example.com", "report-1@receiver.example",
    )  # fmt: skip
    assert report.begin == report.end == 1_569_934_763
    assert (report.records, report.messages, report.incidents) == (1, 3, 3)
    assert (report.feedback_type, report.auth_failure, report.delivery_result) == ("auth-failure", "dmarc", "reject")
    assert (report.source_ip, report.source_port) == ("192.0.2.44", 2525)
    assert report.authentication_results == ("receiver.example; dmarc=fail header.from=example.com",)
    assert (report.original_mail_from, report.original_rcpt_to) == ("jane@example.com", ("joe@receiver.example",))
    assert (report.dkim_domain, report.dkim_identity, report.dkim_selector) == ("example.com", "@example.com", "s1")
    assert report.identity_alignment == "dkim, spf"
    assert (report.sample_subject, report.sample_message_id) == ("Grüße", "<m-1@example.com>")
    assert report.sample is not None
    assert "A private text." in report.sample


def test_by_default_only_headers_are_kept_and_local_parts_are_hashed():
    report = read_arf(arf())

    text = report.model_dump_json()
    assert report.sample is not None
    assert "Subject:" in report.sample
    assert "private text" not in text
    assert "jane@" not in text
    assert "joe@" not in text
    assert report.sample_from is not None
    assert report.sample_from.endswith("@example.com>")


def test_the_sample_can_be_left_out_altogether():
    report = read_arf(arf(), SampleKept.NONE)

    assert report.sample is None
    assert report.repairs == ()


def test_the_fingerprint_does_not_depend_on_the_redaction():
    assert read_arf(arf()).fingerprint == read_arf(arf(), SampleKept.WHOLE).fingerprint
    assert read_arf(arf()).fingerprint != read_arf(arf(sample=SAMPLE.replace("private", "other"))).fingerprint


def test_header_only_samples_are_read():
    report = read_arf(arf(sample_type="text/rfc822-headers"))

    assert (report.repairs, report.sample_message_id) == ((), "<m-1@example.com>")


def test_names_of_fields_may_be_written_in_any_case():
    assert read_arf(arf(fields=FIELDS.replace("Source-IP", "SOURCE-ip"))).source_ip == "192.0.2.44"


def test_a_received_date_is_an_arrival_date_of_old():
    report = read_arf(arf(fields=FIELDS.replace("Arrival-Date", "Received-Date").replace("Version: 1", "Version: 0.1")))

    assert (report.repairs, report.begin) == ((), 1_569_934_763)


@pytest.mark.parametrize("line", ["", "Arrival-Date: yesterday\n"])
def test_a_missing_arrival_date_is_taken_from_the_mail(line):
    report = read_arf(arf(fields=FIELDS.replace("Arrival-Date: Tue, 01 Oct 2019 14:59:23 +0200\n", line)))

    assert (report.begin, report.repairs) == (1_569_974_400, (Repair.MISSING_ARRIVAL_DATE,))


def test_a_report_without_any_date_is_refused():
    mail = arf(fields=FIELDS.replace("Arrival-Date", "X-Date")).replace("Date: Wed", "X-Date: Wed", 1)

    assert reason_of(mail) is Reason.MISSING_PERIOD


@pytest.mark.parametrize("written", ["192.0.2.44 (mail.example.com)", "[192.0.2.44]", "192.0.2.44 "])
def test_a_source_ip_may_be_followed_by_a_name(written):
    report = read_arf(arf(fields=FIELDS.replace("192.0.2.44", written)))

    assert (report.source_ip, report.repairs) == ("192.0.2.44", ())


def test_an_unreadable_source_ip_is_noted():
    report = read_arf(arf(fields=FIELDS.replace("192.0.2.44", "unknown")))

    assert (report.source_ip, report.repairs) == (None, (Repair.UNREADABLE_SOURCE_IP,))


def test_a_missing_reported_domain_is_taken_from_the_reported_mail():
    report = read_arf(arf(fields=FIELDS.replace("Reported-Domain", "X-Domain")))

    assert (report.domain, report.repairs) == ("example.com", (Repair.DOMAIN_FROM_SAMPLE,))


def test_a_complaint_without_domain_is_about_none():
    fields = "Feedback-Type: abuse\nUser-Agent: FBL\nVersion: 0.1\nArrival-Date: Tue, 01 Oct 2019 14:59:23 +0200\n"

    report = read_arf(arf(fields=fields))

    assert (report.feedback_type, report.domain, report.repairs) == ("abuse", "", ())


def test_an_empty_from_of_the_sample_is_survived():
    fields = FIELDS.replace("Reported-Domain", "X-Domain")

    report = read_arf(arf(fields=fields, sample=SAMPLE.replace("Jane Doe <jane@example.com>", "")))

    assert report.domain == ""


def test_line_ends_may_be_mixed():
    mail = arf().replace("\n", "\r\n").replace("Version: 1\r\n", "Version: 1\n")

    assert read_arf(mail).source_ip == "192.0.2.44"
    assert read_arf(mail).fingerprint == read_arf(arf()).fingerprint


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_feedback_part_is_decoded_by_hand(encoding):
    encoded = base64.encodebytes(FIELDS.encode()).decode() if encoding == "base64" else FIELDS.replace("=", "=3D")

    report = read_arf(arf(fields=encoded, feedback_headers=f"Content-Transfer-Encoding: {encoding}\n"))

    assert (report.source_ip, report.repairs) == ("192.0.2.44", (Repair.ENCODED_FEEDBACK_PART,))


def test_an_encoded_sample_is_decoded_by_hand():
    encoded = base64.encodebytes(SAMPLE.encode()).decode()

    report = read_arf(
        arf(sample=encoded).replace("message/rfc822\n", "message/rfc822\nContent-Transfer-Encoding: base64\n")
    )

    assert (report.sample_message_id, report.repairs) == ("<m-1@example.com>", (Repair.ENCODED_SAMPLE,))


def test_a_mislabelled_feedback_part_is_recognised():
    report = read_arf(arf(feedback_type="text/plain"))

    assert (report.source_ip, report.repairs) == ("192.0.2.44", (Repair.MISLABELLED_FEEDBACK_PART,))


def test_a_notice_without_feedback_part_is_read():
    report = read_arf(NOTICE)

    assert report.repairs == (Repair.NO_FEEDBACK_PART,)
    assert (report.org_name, report.domain, report.source_ip) == ("host.example", "example.com", "192.0.2.44")
    assert (report.begin, report.delivery_result) == (1_569_934_763, "reject")
    assert (report.auth_failure, report.identity_alignment) == ("dmarc", "spf")
    assert (report.sample_message_id, report.sample_subject) == ("<m-2@example.com>", "hello")


def test_a_notice_in_a_multipart_report_is_read():
    body = NOTICE.partition("\n\n")[2]
    mail = arf().partition("\n--b\n")[0] + f"\n--b\nContent-Type: text/plain\n\n{body}\n--b--\n"

    assert read_arf(mail).domain == "example.com"


def test_a_date_that_a_list_has_wrapped_is_joined():
    report = read_arf(NOTICE.replace("14:59:23 +0200\n", "14:59:23\n+0200\n"))

    assert (report.begin, report.repairs) == (1_569_934_763, (Repair.NO_FEEDBACK_PART,))


def test_a_notice_in_free_words_is_read():
    text = "This is a spf/dkim authentication-failure report for an email message received from IP 192.0.2.7 on "

    report = read_arf(NOTICE.partition("\n\n")[0] + f"\n\n{text}Tue, 01 Oct 2019 14:59:23 +0200.\n")

    assert (report.source_ip, report.begin) == ("192.0.2.7", 1_569_934_763)


def test_a_report_id_is_made_where_the_mail_has_none():
    report = read_arf(NOTICE)

    assert report.report_id == report.fingerprint[:32]
    assert report.report_id == read_arf(NOTICE).report_id


@pytest.mark.parametrize(
    "mail",
    ["", "\n\n", "no mail at all", "Subject: hi\n\nhello", arf(fields="nothing").replace("feedback-report", "x")],
)
def test_another_mail_is_no_report(mail):
    assert reason_of(mail) is Reason.NO_REPORT_CONTENT


@pytest.mark.parametrize("incidents", ["many", "-1", "9" * 40])
def test_an_unreadable_number_of_incidents_counts_as_one(incidents):
    report = read_arf(arf(fields=FIELDS.replace("Incidents: 3", f"Incidents: {incidents}")))

    assert (report.messages, report.repairs) == (1, (Repair.UNREADABLE_VALUE,))


def test_a_sample_with_impossible_headers_is_kept_byte_for_byte():
    odd = SAMPLE.replace("Gr=C3", "Gr=C3\0\0\nessage-ID: <x@example.com>")

    report = read_arf(arf(sample=odd), SampleKept.WHOLE)

    assert report.sample is not None
    assert report.sample.strip() == odd.replace("\0", "").strip()


def test_a_charset_that_is_no_name_is_survived():
    mail = arf().encode().replace(b"text/plain", b'text/plain; charset="a\0b"').replace(b"This is", b"Das h\xf6rt")

    assert read_arf(mail).source_ip == "192.0.2.44"


def test_a_report_that_does_not_say_what_it_is_about_is_noted():
    report = read_arf(arf(fields=FIELDS.replace("Feedback-Type: auth-failure", "X-Type: x")))

    assert (report.feedback_type, report.repairs) == ("other", (Repair.MISSING_FEEDBACK_TYPE,))


@pytest.mark.parametrize("word", ["=?utf-\xff8?q?x?=", "=?nothing?q?x?=", "=?utf-8?b?a?=", "=?utf-8?q?=ff?="])
def test_a_header_that_cannot_be_decoded_is_kept_as_it_is(word):
    report = read_arf(arf(sample=SAMPLE.replace("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", word)))

    assert report.sample_subject


@pytest.mark.parametrize("sample", [SAMPLE + "x" * 5_000_000, SAMPLE + "--b\n\n" * 100_000])
def test_of_a_huge_mail_the_beginning_is_read(sample):
    report = read_arf(arf(sample=sample))

    assert (report.source_ip, report.sample_message_id) == ("192.0.2.44", "<m-1@example.com>")
    assert report.repairs == (Repair.TEXT_CUT,)


def test_a_sample_of_very_many_lines_is_read():
    assert read_arf(arf(sample=SAMPLE + "x\n" * 200_000)).repairs == ()


def test_parts_are_not_looked_for_deeper_than_any_reporter_puts_them():
    mail = arf()
    for number in range(1500):
        mail = f"Content-Type: multipart/mixed; boundary=n{number}x\n\n--n{number}x\n{mail}\n--n{number}x--\n"

    assert reason_of(mail) is Reason.NO_REPORT_CONTENT


@pytest.mark.parametrize("sender", ["(" * 1000 + "a@a.example", "(" * 490 + ")" * 490 + "a@a.example"])
def test_a_sender_in_very_many_parentheses_is_read(sender):
    fields = FIELDS.replace("Reported-Domain", "X-Domain").replace("User-Agent", "X-Agent")
    mail = arf(fields=fields, sample=SAMPLE.replace("Jane Doe <jane@example.com>", sender))
    report = read_arf(mail.replace("reporter@receiver.example", sender))

    assert report.domain == ("a.example" if ")" in sender else "")
    assert report.source_ip == "192.0.2.44"
