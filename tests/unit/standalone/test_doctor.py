"""What the answers of DNS mean for a domain's reports."""

import pytest

from dmarq.doctor.judge import Verdict, external_hosts, judge_agreement, judge_delivery, judge_dmarc, judge_tls
from dmarq.doctor.records import dmarc_places, records

GOOD = "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"
OURS = ("dmarc@example.com",)


@pytest.mark.parametrize(
    ("texts", "verdict", "said"),
    [
        ([], Verdict.WRONG, "nobody sends reports"),
        (["v=spf1 -all"], Verdict.WRONG, "nobody sends reports"),
        (["p=none; v=DMARC1; rua=mailto:dmarc@example.com"], Verdict.WRONG, "nobody sends reports"),
        ([GOOD, GOOD], Verdict.WRONG, "none counts"),
        (["v=DMARC1; p=none"], Verdict.WRONG, "no aggregate reports"),
        (["v=DMARC1; p=none; rua="], Verdict.WRONG, "no aggregate reports"),
        (["v=DMARC1; p=none; rua=dmarc@example.com"], Verdict.WRONG, "no aggregate reports"),
        ([GOOD], Verdict.OK, "dmarc@example.com"),
        (["v=spf1 -all", GOOD], Verdict.OK, "dmarc@example.com"),
        (["v = DMARC1 ;p=none;rua = MAILTO:DMARC@Example.com!10m ,mailto:x@y.example"], Verdict.OK, "x@y.example"),
        (["v=DMARC1; rua=mailto:dmarc%40example.com"], Verdict.OK, "dmarc@example.com"),
        (["v=DMARC1; rua=mailto:other@example.com"], Verdict.ADVICE, "no mailbox here is that"),
    ],
)
def test_a_dmarc_record_is_judged(texts: list[str], verdict: Verdict, said: str) -> None:
    finding = judge_dmarc("example.com", "example.com", texts, OURS)

    assert finding.verdict is verdict
    assert said in finding.text
    assert finding.name == "_dmarc.example.com"
    assert bool(finding.remedy) == (verdict is not Verdict.OK)


@pytest.mark.parametrize(
    ("texts", "verdict"),
    [
        ([], Verdict.ADVICE),
        (["v=TLSRPTv1; rua=mailto:dmarc@example.com"], Verdict.OK),
        (["v=TLSRPTv1; rua=https://example.com/tls"], Verdict.ADVICE),
        (["v=TLSRPTv1;"], Verdict.WRONG),
        (["v=TLSRPTv1; rua=mailto:dmarc@example.com"] * 2, Verdict.WRONG),
    ],
)
def test_a_tls_reporting_record_is_judged(texts: list[str], verdict: Verdict) -> None:
    assert judge_tls("example.com", texts, OURS).verdict is verdict


def test_without_addresses_of_ours_any_will_do() -> None:
    assert judge_dmarc("example.com", "example.com", [GOOD], ()).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("domain", "place", "host", "external"),
    [
        ("example.com", "example.com", "example.com", False),
        ("example.com", "example.com", "reports.example.com", False),
        ("mail.example.com", "mail.example.com", "example.com", False),
        ("mail.example.com", "example.com", "reports.example.com", False),
        ("example.com", "example.com", "example.net", True),
        ("example.com", "example.com", "notexample.com", True),
        ("example.com", "example.com", "Example.NET.", True),
    ],
)
def test_who_must_agree_is_whoever_is_not_the_domain_s_own(
    domain: str, place: str, host: str, *, external: bool
) -> None:
    found = external_hosts(domain, place, [f"v=DMARC1; rua=mailto:a@{host}"])

    assert bool(found) == external


def test_an_agreement_is_a_dmarc_record_of_its_own() -> None:
    assert judge_agreement("example.com", "example.net", ["v=DMARC1"]).verdict is Verdict.OK
    refused = judge_agreement("example.com", "example.net", ["v=spf1 -all"])

    assert refused.verdict is Verdict.WRONG
    assert refused.name == "example.com._report._dmarc.example.net"


@pytest.mark.parametrize(("has_mail", "verdict"), [(True, Verdict.OK), (False, Verdict.WRONG)])
def test_a_host_without_mail_receives_no_reports(verdict: Verdict, *, has_mail: bool) -> None:
    assert judge_delivery("example.com", "example.net", has_mail=has_mail).verdict is verdict


def test_parents_are_asked_but_never_a_whole_top_level_domain() -> None:
    assert dmarc_places("example.com") == ["example.com"]
    assert dmarc_places("com") == ["com"]
    assert dmarc_places("a.b.example.com") == ["a.b.example.com", "b.example.com", "example.com"]
    assert len(dmarc_places(".".join("abcdefghijklmnop") + ".example.com")) == 7


def test_tags_are_read_as_they_are_written_in_the_wild() -> None:
    (record,) = records([" v=DMARC1;; p = none ; rua=mailto:a@b.example ,, https://c.example/x ; junk"], "DMARC1")

    assert record.addresses == ("a@b.example", "https://c.example/x")
    assert record.tags["p"] == "none"
