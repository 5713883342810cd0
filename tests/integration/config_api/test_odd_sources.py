"""Sources that are not as in the textbook: what they are called, why, and what a domain is told to do first."""

from dataclasses import dataclass

import pytest

from parser.sources.data import NamingData, NamingFiles
from tests.support.config_api import Api
from tests.support.extracted import extracted
from tests.support.reports import METADATA, report_xml
from tests.support.sending import envelope, record, settle, signed
from tests.support.stored import store

PLAIN = "<p>none</p>"
FAILED_KEY = signed("example.com", result="temperror") + envelope("example.com", result="temperror")


@dataclass(frozen=True)
class Odd:
    """Rows about one address, and what is to be said of it. `tags` are those of the published policy."""

    rows: tuple[str, ...]
    verdict: str
    evidence: str
    advice: str
    tags: str = PLAIN
    domain: str = "example.com"
    address: str = "192.0.2.7"


def row(count: int, *, address: str = "192.0.2.7", reason: str = "", comment: str = "", **more: str) -> str:
    """A row about the address; `comment` belongs to the reason."""
    text = record(address, count, reason=reason, **more)
    return text.replace("</type>", f"</type><comment>{comment}</comment>") if comment else text


OWN = signed("example.com") + envelope("example.com")
ODD = {
    "some of an own server's messages fail": Odd(
        (row(60, dkim="pass", spf="pass", auth=OWN), row(40)),
        "misaligned",
        "60 have an aligned DKIM signature, 60 aligned SPF, 40 neither",
        "have 192.0.2.7 sign as example.com with DKIM, and name it in the SPF record",
    ),
    "a forwarder breaks some signatures": Odd(
        (
            row(30, dkim="pass", auth=signed("example.com") + envelope("srs.relay.example")),
            row(10, auth=signed("example.com", result="fail") + envelope("srs.relay.example")),
        ),
        "forwarded",
        "SPF passes for srs.relay.example",
        "a signature survives forwarding, SPF does not",
    ),
    "an envelope below a public suffix of two labels": Odd(
        (row(50, spf="pass", auth=envelope("bounce.example.co.uk")).replace("example.com", "example.co.uk"),),
        "aligned",
        "SPF passes for bounce.example.co.uk",
        "",
        domain="example.co.uk",
    ),
    "a neighbour below the same public suffix": Odd(
        (row(50, auth=envelope("other.co.uk")).replace("example.com", "example.co.uk"),),
        "failing",
        "no valid DKIM signature of example.co.uk",
        "other.co.uk may be a mailing list",
        domain="example.co.uk",
    ),
    "an IPv6 address": Odd(
        (row(50, address="2001:db8::7", dkim="pass", auth=signed("example.com")),),
        "aligned",
        "2001:db8::7 sent 50 messages as example.com",
        "",
        address="2001:db8::7",
    ),
    "a signature that only relaxed alignment would count": Odd(
        (row(50, auth=signed("mail.example.com") + envelope("mail.example.com")),),
        "misaligned",
        "strict alignment (adkim=s) does not count mail.example.com",
        "authenticate as example.com itself, or publish adkim=r and aspf=r",
        tags="<adkim>s</adkim><aspf>s</aspf><p>none</p>",
    ),
    "a mailing list that leaves the From address": Odd(
        (row(50, reason="mailing_list", auth=signed("lists.example") + envelope("lists.example")),),
        "forwarded",
        "reporters call 50 of them forwarded or from a mailing list",
        "a signature survives forwarding, SPF does not",
    ),
    "a mailing list that no reporter calls one": Odd(
        (row(50, auth=envelope("lists.example")),),
        "failing",
        "SPF passes for lists.example",
        "lists.example may be a mailing list that your people write to",
    ),
    "only temporary errors": Odd(
        (row(50, auth=FAILED_KEY),),
        "failing",
        "signatures of example.com (selector s1) do not verify: a wrong key, or email changed on its way",
        'if it sends for you, mark it "ours"',
    ),
    "accepted by its ARC chain": Odd(
        (row(50, reason="local_policy", comment="arc=pass as.1.example.org=pass", auth=envelope("relay.example")),),
        "forwarded",
        "reporters call 50 of them forwarded",
        "a signature survives forwarding",
    ),
    "another local policy": Odd(
        (row(50, reason="local_policy", comment="we know better: arc=pass", auth=envelope("relay.example")),),
        "failing",
        "50 messages as example.com",
        "a policy of reject stops it",
    ),
    "counts that no sum holds": Odd(
        (
            row(9223372036854775807, dkim="pass", auth=signed("example.com")),
            row(-9223372036854775807),
            row(-9223372036854775807),
        ),
        "unknown",
        "192.0.2.7 sent -4,611,686,018,427,387,903 messages as example.com",
        "",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_source_is_told_with_its_evidence_and_what_to_do(api: Api, name: str) -> None:
    odd = ODD[name]
    policy = f"<policy_published><domain>{odd.domain}</domain>{odd.tags}</policy_published>"
    store(api.backend, extracted(1, report_xml(metadata=METADATA, policy=policy, records="".join(odd.rows))))
    api.backend.run(settle(api.backend.database, NamingData(NamingFiles())), timeout=60)

    answer = api("GET", f"/sources/{odd.address}").json or {}
    (judged,) = answer["domains"]
    assert judged["verdict"] == odd.verdict
    assert odd.evidence in "\n".join(judged["evidence"])
    assert odd.advice in judged["advice"]
    readiness = api("GET", f"/domains/{odd.domain}/readiness").json or {}
    assert (readiness["lost"] > 0) == (odd.verdict == "misaligned")
    assert [group["verdict"] for group in (api("GET", "/services").json or {})["items"]] == [odd.verdict]
