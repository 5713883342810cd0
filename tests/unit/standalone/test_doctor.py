"""What the answers of DNS mean for a domain's reports."""

import pytest

from dmarq.doctor.judge import (
    Finding,
    external_hosts,
    judge_agreement,
    judge_delivery,
    judge_dmarc,
    judge_tls,
    unknown_domain,
)
from pipeline.contracts.domain_dns import DnsVerdict
from pipeline.dns.organisation import Kinship, Organisation, Texts, dmarc_places, kinship, organisation, records

GOOD = "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"
OURS = ("dmarc@example.com",)


@pytest.mark.parametrize(
    ("texts", "verdict", "said"),
    [
        ([], DnsVerdict.WRONG, "nobody sends reports"),
        (["v=spf1 -all"], DnsVerdict.WRONG, "nobody sends reports"),
        (["p=none; v=DMARC1; rua=mailto:dmarc@example.com"], DnsVerdict.WRONG, "nobody sends reports"),
        ([GOOD, GOOD], DnsVerdict.WRONG, "none counts"),
        (["v=DMARC1; p=none"], DnsVerdict.WRONG, "no aggregate reports"),
        (["v=DMARC1; p=none; rua="], DnsVerdict.WRONG, "no aggregate reports"),
        (["v=DMARC1; p=none; rua=dmarc@example.com"], DnsVerdict.WRONG, "no aggregate reports"),
        ([GOOD], DnsVerdict.OK, "dmarc@example.com"),
        (["v=spf1 -all", GOOD], DnsVerdict.OK, "dmarc@example.com"),
        (["v = DMARC1 ;p=none;rua = MAILTO:DMARC@Example.com!10m ,mailto:x@y.example"], DnsVerdict.OK, "x@y.example"),
        (["v=DMARC1; rua=mailto:dmarc%40example.com"], DnsVerdict.OK, "dmarc@example.com"),
        (["v=DMARC1; rua=mailto:other@example.com"], DnsVerdict.ADVICE, "no mailbox here is that"),
    ],
)
def test_a_dmarc_record_is_judged(texts: list[str], verdict: DnsVerdict, said: str) -> None:
    finding = judge_dmarc("example.com", "example.com", texts, OURS)

    assert finding.verdict is verdict
    assert said in finding.text
    assert finding.name == "_dmarc.example.com"
    assert bool(finding.remedy) == (verdict is not DnsVerdict.OK)


@pytest.mark.parametrize(
    ("texts", "verdict"),
    [
        ([], DnsVerdict.ADVICE),
        (["v=TLSRPTv1; rua=mailto:dmarc@example.com"], DnsVerdict.OK),
        (["v=TLSRPTv1; rua=https://example.com/tls"], DnsVerdict.ADVICE),
        (["v=TLSRPTv1;"], DnsVerdict.WRONG),
        (["v=TLSRPTv1; rua=mailto:dmarc@example.com"] * 2, DnsVerdict.WRONG),
    ],
)
def test_a_tls_reporting_record_is_judged(texts: list[str], verdict: DnsVerdict) -> None:
    assert judge_tls("example.com", texts, OURS).verdict is verdict


def test_without_addresses_of_ours_any_will_do() -> None:
    assert judge_dmarc("example.com", "example.com", [GOOD], ()).verdict is DnsVerdict.OK


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


def agreement(texts: list[str], relation: Kinship, *, place: str = "example.com") -> Finding:
    return judge_agreement("example.com", texts, place=place, host="example.net", relation=relation)


@pytest.mark.parametrize(
    ("texts", "relation", "verdict"),
    [
        (["v=DMARC1"], Kinship.FOREIGN, DnsVerdict.OK),
        (["v=DMARC1"], Kinship.UNSURE, DnsVerdict.OK),
        (["v=spf1 -all"], Kinship.FOREIGN, DnsVerdict.WRONG),
        ([], Kinship.FOREIGN, DnsVerdict.WRONG),
        ([], Kinship.UNSURE, DnsVerdict.ADVICE),
        ([], Kinship.SAME, DnsVerdict.OK),
    ],
)
def test_an_agreement_is_a_dmarc_record_of_its_own(texts: list[str], relation: Kinship, verdict: DnsVerdict) -> None:
    found = agreement(texts, relation)

    assert found.verdict is verdict
    assert found.name == "example.com._report._dmarc.example.net"
    assert bool(found.remedy) == (verdict is not DnsVerdict.OK)


def test_an_agreement_is_with_the_domain_whose_record_counts() -> None:
    finding = judge_agreement("a.example.com", [], place="example.com", host="example.net", relation=Kinship.FOREIGN)

    assert (finding.domain, finding.name) == ("a.example.com", "example.com._report._dmarc.example.net")


MINE = ["v=DMARC1; p=none"]
LEAF, SUFFIX = ["v=DMARC1; psd=n"], ["v=DMARC1; psd=y"]


def walked(domain: str, **found: list[str]) -> Texts:
    """What a walk upwards from the domain found; in the names of places "_" stands for a dot."""
    by_name = {place.replace("_", "."): texts for place, texts in found.items()}
    return {place: by_name.get(place, []) for place in dmarc_places(domain)}


@pytest.mark.parametrize(
    ("texts", "name", "declared"),
    [
        (walked("a.b.example.com"), "a.b.example.com", False),
        (walked("a.b.example.com", b_example_com=MINE), "b.example.com", False),
        (walked("a.b.example.com", b_example_com=MINE, example_com=MINE), "example.com", False),
        (walked("a.b.example.com", b_example_com=LEAF, example_com=MINE), "b.example.com", True),
        (walked("a.example.co.uk", example_co_uk=MINE, co_uk=SUFFIX), "example.co.uk", True),
        (walked("co.uk", co_uk=SUFFIX), "co.uk", False),
        (walked("example.com", example_com=[*MINE, *MINE]), "example.com", False),
    ],
)
def test_the_organisation_of_a_domain_is_found_upwards(texts: Texts, name: str, *, declared: bool) -> None:
    assert organisation(texts) == Organisation(name, is_declared=declared)


@pytest.mark.parametrize(
    ("mine", "theirs", "relation"),
    [
        (walked("mail.example.com", mail_example_com=MINE), walked("reports.example.com"), Kinship.UNSURE),
        (
            walked("mail.example.com", mail_example_com=MINE, example_com=MINE),
            walked("reports.example.com", example_com=MINE),
            Kinship.SAME,
        ),
        (
            walked("one.co.uk", one_co_uk=MINE, co_uk=SUFFIX),
            walked("other.co.uk", co_uk=SUFFIX),
            Kinship.FOREIGN,
        ),
        (
            walked("mail.example.com", mail_example_com=LEAF, example_com=MINE),
            walked("reports.example.com", example_com=MINE),
            Kinship.FOREIGN,
        ),
        (walked("example.com", example_com=MINE), walked("example.net"), Kinship.FOREIGN),
        (walked("example.com", example_com=MINE), walked("notexample.com"), Kinship.FOREIGN),
    ],
)
def test_siblings_are_strangers_only_where_dns_says_so(mine: Texts, theirs: Texts, relation: Kinship) -> None:
    assert kinship(mine, theirs) is relation


def test_a_domain_that_dns_does_not_know_has_no_verdict() -> None:
    finding = unknown_domain("exmaple.com")

    assert finding.verdict is DnsVerdict.UNKNOWN
    assert "typing error" in finding.remedy


@pytest.mark.parametrize(("has_mail", "verdict"), [(True, DnsVerdict.OK), (False, DnsVerdict.WRONG)])
def test_a_host_without_mail_receives_no_reports(verdict: DnsVerdict, *, has_mail: bool) -> None:
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
