"""What a domain publishes about its mail, judged; names of hosts, confirmed. DNS is a table here."""

import asyncio
import base64
from collections.abc import Mapping, Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipeline.contracts.domain_dns import DnsQuestion, DnsRecord, DnsVerdict, RecordKind, Selector
from pipeline.dns.hosts import confirmed_hosts, is_host
from pipeline.dns.keys import judge_key
from pipeline.dns.policies import judge_bimi, judge_dmarc_record, judge_tls_record
from pipeline.dns.resolver import Offline
from pipeline.dns.spf import survey_spf
from pipeline.dns.sts import judge_sts
from pipeline.dns.survey import survey

KEY = Selector(selector="s1", domain="example.com")


HANGS = ("no answer",)


class Zone:
    """TXT records by name; `None` fails, `HANGS` never answers."""

    def __init__(self, records: Mapping[str, Sequence[str] | None]) -> None:
        self.records = records
        self.asked: list[str] = []

    async def texts(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        found = self.records.get(name, ())
        if found is None:
            raise Offline("the name server failed")
        if found is HANGS:
            await asyncio.Event().wait()
        return found

    async def exchanges(self, domain: str) -> Sequence[str]:
        return ()


def rsa(bits: int) -> str:
    key = generate_private_key(public_exponent=65537, key_size=bits).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


ED25519 = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
INCLUDES = {f"i{number}.example": [f"v=spf1 include:i{number + 1}.example -all"] for number in range(40)}


@pytest.mark.parametrize(
    ("record", "verdict", "lookups", "said"),
    [
        ("v=spf1 -all", DnsVerdict.OK, 0, "0 of 10"),
        ("V=SPF1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~ALL", DnsVerdict.OK, 0, "0 of 10"),
        ("v=spf1 a mx/24 a:x.example//64 exists:%{i}.x.example include:one.example -all", DnsVerdict.OK, 6, "6 of 10"),
        ("v=spf1 redirect=one.example", DnsVerdict.OK, 2, "2 of 10"),
        ("v=spf1 unknown=modifier -all", DnsVerdict.OK, 0, "0 of 10"),
        ("v=spf1 ip4:192.0.2.1", DnsVerdict.ADVICE, 0, "does not say"),
        ("v=spf1 ?all", DnsVerdict.ADVICE, 0, "does not say"),
        ("v=spf1 ptr -all", DnsVerdict.ADVICE, 1, "ptr"),
        ("v=spf1 a mx " + "a:x.example " * 8 + "-all", DnsVerdict.ADVICE, 10, "next one"),
        ("v=spf1 a mx " + "a:x.example " * 9 + "-all", DnsVerdict.WRONG, 11, "11 lookups"),
        ("v=spf1 +all", DnsVerdict.WRONG, 0, "whole internet"),
        ("v=spf1 all", DnsVerdict.WRONG, 0, "whole internet"),
        ("v=spf1 ipv4:192.0.2.1 -all", DnsVerdict.WRONG, 0, "no term"),
        ("v=spf1 include:none.example -all", DnsVerdict.WRONG, 1, "no SPF records"),
        ("v=spf1 include: -all", DnsVerdict.WRONG, 1, "an empty name"),
        ("v=spf1 include:example.com -all", DnsVerdict.OK, 1, "1 of 10"),
    ],
)
async def test_an_spf_record_is_read_with_all_that_it_includes(
    record: str, verdict: DnsVerdict, lookups: int, said: str
) -> None:
    found = await survey_spf(Zone({"example.com": [record], "one.example": ["v=spf1 mx -all"]}), "example.com")

    assert (found.verdict, found.lookups) == (verdict, lookups)
    assert said in found.text


async def test_a_chain_of_includes_without_end_is_followed_for_a_while() -> None:
    zone = Zone({**INCLUDES, "example.com": ["v=spf1 include:i0.example -all"]})
    found = await survey_spf(zone, "example.com")

    assert found.verdict is DnsVerdict.WRONG
    assert 10 < len(zone.asked) < 30


@pytest.mark.parametrize(
    ("texts", "verdict"),
    [
        ([], DnsVerdict.ADVICE),
        (["hello", "v=spf10 -all"], DnsVerdict.ADVICE),
        (["v=spf1 -all", "v=spf1 mx"], DnsVerdict.WRONG),
    ],
)
async def test_a_domain_has_one_spf_record(texts: list[str], verdict: DnsVerdict) -> None:
    assert (await survey_spf(Zone({"example.com": texts}), "example.com")).verdict is verdict


@pytest.mark.parametrize(
    ("texts", "verdict", "said"),
    [
        ([], DnsVerdict.ADVICE, "no key"),
        (["v=DKIM1; k=rsa; p="], DnsVerdict.ADVICE, "revoked"),
        ([f"v=DKIM1; p={rsa(2048)}"], DnsVerdict.OK, "2048"),
        ([f"p={rsa(1024)}"], DnsVerdict.ADVICE, "1024"),
        ([f"v=DKIM1; t=y:s; p={rsa(2048)}"], DnsVerdict.ADVICE, "test"),
        ([f"v=DKIM1; k=ed25519; p={ED25519}"], DnsVerdict.OK, "Ed25519"),
        (["v=DKIM1; k=ed25519; p=AAAA"], DnsVerdict.WRONG, "no Ed25519"),
        (["v=DKIM1; p=AAAA"], DnsVerdict.WRONG, "no key"),
        (["v=DKIM1; p=not base64!"], DnsVerdict.WRONG, "no key"),
        ([f"v=DKIM2; p={ED25519}"], DnsVerdict.WRONG, "version"),
        ([f"v=DKIM1; k=dsa; p={ED25519}"], DnsVerdict.WRONG, "unknown kind"),
        ([f"p={ED25519}", f"p={ED25519}"], DnsVerdict.WRONG, "several"),
    ],
)
def test_a_key_is_judged_by_its_strength(texts: list[str], verdict: DnsVerdict, said: str) -> None:
    found = judge_key(KEY, texts)

    assert (found.kind, found.name, found.verdict) == (RecordKind.DKIM, "s1._domainkey.example.com", verdict)
    assert said in found.text


@pytest.mark.parametrize(
    ("place", "record", "verdict", "said"),
    [
        ("example.com", "v=DMARC1; p=reject; rua=mailto:a@example.com", DnsVerdict.OK, "the policy is reject"),
        ("com", "v=DMARC1; p=reject; sp=none; rua=mailto:a@x.example", DnsVerdict.OK, "is none, by the record of com"),
        ("example.com", "v=DMARC1; p=reject", DnsVerdict.ADVICE, "no reports"),
        ("example.com", "v=DMARC1; p=reject; t=y; rua=mailto:a@example.com", DnsVerdict.ADVICE, "t=y"),
        ("example.com", "v=DMARC1; p=reject; pct=50; rua=mailto:a@example.com", DnsVerdict.ADVICE, "pct"),
        ("example.com", "v=DMARC1; rua=mailto:a@example.com", DnsVerdict.ADVICE, "p=none"),
        ("example.com", "v=DMARC1; p=rejekt; rua=mailto:a@example.com", DnsVerdict.WRONG, "p=rejekt"),
        ("example.com", "v=DMARC1; p=none; sp=all; rua=mailto:a@example.com", DnsVerdict.WRONG, "sp=all"),
        ("example.com", "v=spf1 -all", DnsVerdict.WRONG, "no DMARC record"),
    ],
)
def test_a_dmarc_record_is_judged_by_its_policy(place: str, record: str, verdict: DnsVerdict, said: str) -> None:
    found = judge_dmarc_record("example.com", place, [record])

    assert found.verdict is verdict
    assert said in found.text


STS = "v=STSv1; id=1"
LOGO = "v=BIMI1; l=https://example.com/logo.svg"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (judge_sts("example.com", []), DnsVerdict.ADVICE),
        (judge_sts("example.com", [STS, "other"]), DnsVerdict.OK),
        (judge_sts("example.com", [STS, STS]), DnsVerdict.WRONG),
        (judge_sts("example.com", ["v=STSv1; id=a b"]), DnsVerdict.WRONG),
        (judge_tls_record("example.com", []), DnsVerdict.ADVICE),
        (judge_tls_record("example.com", ["v=TLSRPTv1; rua=mailto:a@example.com"]), DnsVerdict.OK),
        (judge_tls_record("example.com", ["v=TLSRPTv1"]), DnsVerdict.WRONG),
        (judge_bimi("example.com", [], "none"), DnsVerdict.OK),
        (judge_bimi("example.com", [LOGO], "reject"), DnsVerdict.OK),
        (judge_bimi("example.com", [LOGO], "none"), DnsVerdict.ADVICE),
        (judge_bimi("example.com", [LOGO, LOGO], "reject"), DnsVerdict.WRONG),
        (judge_bimi("example.com", ["v=BIMI1; l="], "none"), DnsVerdict.OK),
        (judge_bimi("example.com", ["v=BIMI1; l=http://example.com/x"], "reject"), DnsVerdict.WRONG),
    ],
)
def test_other_records_are_judged(found: DnsRecord, verdict: DnsVerdict) -> None:
    assert found.verdict is verdict
    assert bool(found.remedy) == (verdict is not DnsVerdict.OK)


async def test_a_kind_that_dns_does_not_answer_for_keeps_no_other() -> None:
    zone = Zone(
        {
            "_dmarc.example.com": ["v=DMARC1; p=reject; rua=mailto:a@example.com"],
            "example.com": None,
            "_smtp._tls.example.com": HANGS,
        }
    )
    answer = await survey(zone, DnsQuestion(domain="example.com", selectors=(KEY,)), within=0.2)
    verdicts = {one.kind: (one.verdict, one.text) for one in answer.found}

    assert verdicts[RecordKind.DMARC][0] is DnsVerdict.OK
    assert verdicts[RecordKind.SPF] == (DnsVerdict.UNKNOWN, "DNS does not answer (the name server failed)")
    assert verdicts[RecordKind.TLS_RPT] == (DnsVerdict.UNKNOWN, "DNS does not answer (no answer in time)")
    assert set(verdicts) == set(RecordKind) - {RecordKind.MTA_STS_POLICY}
    assert answer.problem == ""


async def test_records_are_bounded_in_order_and_without_control_characters() -> None:
    texts = [f"v=spf1 {letter}\x1b[2J{'x' * 9000}" for letter in "hgfedcba"]
    found = await survey_spf(Zone({"example.com": texts}), "example.com")

    assert [len(one) for one in found.records] == [4096] * 5
    assert found.records[0].startswith("v=spf1 a?[2J")


class Names:
    """Host names by address, and addresses by host."""

    def __init__(self, names: Mapping[str, Sequence[str]], back: Mapping[str, Sequence[str]]) -> None:
        self.names = names
        self.back = back

    async def host_names(self, address: str) -> Sequence[str]:
        if address == "192.0.2.99":
            await asyncio.Event().wait()
        if address == "192.0.2.98":
            raise Offline("no answer in time")
        return self.names.get(address, ())

    async def addresses(self, host: str, *, v6: bool) -> Sequence[str]:
        return [one for one in self.back.get(host, ()) if (":" in one) == v6]


async def test_a_name_counts_only_where_it_leads_back_to_the_address() -> None:
    names = {
        "192.0.2.1": ["mail.example.com"],
        "192.0.2.2": ["mail.google.com"],
        "192.0.2.3": ["<script>.example.com", "other.example.com"],
        "2001:db8::1": ["six.example.com"],
    }
    back = {
        "mail.example.com": ["192.0.2.1"],
        "<script>.example.com": ["192.0.2.3"],
        "other.example.com": ["192.0.2.3"],
        "six.example.com": ["192.0.2.1", "2001:DB8:0::1"],
    }
    asked = [*names, "192.0.2.4", "no address", "192.0.2.98", "192.0.2.99"]

    assert await confirmed_hosts(Names(names, back), asked, within=0.2) == {
        "192.0.2.1": "mail.example.com",
        "192.0.2.2": None,
        "192.0.2.3": "other.example.com",
        "2001:db8::1": "six.example.com",
        "192.0.2.4": None,
        "no address": None,
    }


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("mail.example.com", True),
        ("_x.1-2.example.com", True),
        ("xn--bcher-kva.example", True),
        ("localhost", False),
        ("192.0.2.1", False),
        ("a..example.com", False),
        ("-a.example.com", False),
        ("mail.example.com\n", False),
        ("mail\\032x.example.com", False),
        ("x" * 64 + ".example.com", False),
        (".".join(["x" * 60] * 5), False),
    ],
)
def test_only_a_plain_host_name_is_one(name: str, *, good: bool) -> None:
    assert is_host(name) == good
