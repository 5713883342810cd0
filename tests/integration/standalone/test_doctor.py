"""`dmarq doctor`, with a real name server on loopback."""

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dmarq.__main__ import dmarq
from dmarq.doctor import examine
from pipeline.contracts.domain_dns import DnsVerdict
from pipeline.dns import resolver
from pipeline.dns.resolver import Dns
from tests.support.dns_server import RunningDns, Zone, running_dns

MX = {"MX": ["10 mail.example.net."]}
GOOD: Zone = {
    "_dmarc.example.com": {"TXT": ['"v=DMARC1; p=reject; " "rua=mailto:dmarc@example.net"']},
    "example.com._report._dmarc.example.net": {"TXT": ['"v=DMARC1"']},
    "_smtp._tls.example.com": {"TXT": ['"v=TLSRPTv1; rua=mailto:dmarc@example.net"']},
    "example.net": MX,
}


async def verdicts(zone: Zone, domain: str = "example.com") -> dict[str, DnsVerdict]:
    async with running_dns(zone) as server:
        found = await examine(Dns("127.0.0.1", port=server.port), domain, ["dmarc@example.net"])
    return {finding.name: finding.verdict for finding in found}


async def test_a_domain_whose_reports_arrive_is_well() -> None:
    found = await verdicts(GOOD)

    assert set(found.values()) == {DnsVerdict.OK}
    assert set(found) == {
        "_dmarc.example.com",
        "example.com._report._dmarc.example.net",
        "example.net",
        "_smtp._tls.example.com",
    }


async def test_a_host_that_does_not_agree_is_found() -> None:
    zone = {name: records for name, records in GOOD.items() if "_report" not in name}

    assert (await verdicts(zone))["example.com._report._dmarc.example.net"] is DnsVerdict.WRONG


async def test_a_host_without_an_mx_still_takes_mail_at_its_address() -> None:
    assert (await verdicts({**GOOD, "example.net": {"A": ["192.0.2.1"]}}))["example.net"] is DnsVerdict.OK
    assert (await verdicts({**GOOD, "example.net": {"AAAA": ["2001:db8::1"]}}))["example.net"] is DnsVerdict.OK
    assert (await verdicts({**GOOD, "example.net": {"MX": ["0 ."]}}))["example.net"] is DnsVerdict.WRONG
    assert (await verdicts({**GOOD, "example.net": {}}))["example.net"] is DnsVerdict.WRONG


async def test_a_subdomain_without_a_record_has_its_parent_s_and_what_was_agreed_with_it() -> None:
    found = await verdicts({**GOOD, "mail.example.com": MX}, "mail.example.com")

    assert found["_dmarc.example.com"] is DnsVerdict.OK
    assert found["example.com._report._dmarc.example.net"] is DnsVerdict.OK


@pytest.mark.parametrize(
    ("above", "verdict"),
    [
        ({}, DnsVerdict.ADVICE),
        ({"_dmarc.example.com": {"TXT": ['"v=DMARC1; p=none"']}}, DnsVerdict.OK),
        ({"_dmarc.example.com": {"TXT": ['"v=DMARC1; p=none; psd=y"']}}, DnsVerdict.WRONG),
    ],
)
async def test_a_sibling_is_a_stranger_only_where_dns_says_so(above: Zone, verdict: DnsVerdict) -> None:
    zone = {"_dmarc.mail.example.com": {"TXT": ['"v=DMARC1; rua=mailto:x@reports.example.com"']}, **above}
    found = await verdicts({**zone, "reports.example.com": MX}, "mail.example.com")

    assert found["mail.example.com._report._dmarc.reports.example.com"] is verdict


async def test_a_domain_without_anything_is_told_what_to_publish() -> None:
    async with running_dns({"example.com": MX}) as server:
        found = await examine(Dns("127.0.0.1", port=server.port), "example.com", ["dmarc@example.net"])

    assert found[0].verdict is DnsVerdict.WRONG
    assert "rua=mailto:dmarc@example.net" in found[0].remedy
    assert found[1].verdict is DnsVerdict.ADVICE


async def test_a_name_server_that_knows_no_such_domain_says_nothing_about_its_records() -> None:
    assert await verdicts({}) == {"example.com": DnsVerdict.UNKNOWN}


async def test_a_name_server_that_fails_is_no_missing_record() -> None:
    async with running_dns(GOOD) as server:
        server.failing = {"_dmarc.example.com", "_smtp._tls.example.com"}
        found = await examine(Dns("127.0.0.1", port=server.port), "example.com", [])

    assert [finding.verdict for finding in found] == [DnsVerdict.UNKNOWN, DnsVerdict.UNKNOWN]
    assert "DNS does not answer" in found[0].text


async def command(server: RunningDns, *arguments: str) -> Result:
    options = ["--dns-only", "--server", "127.0.0.1", "--port", str(server.port)]
    return await asyncio.to_thread(CliRunner().invoke, dmarq, ["doctor", *options, *arguments])


async def test_the_command_says_what_is_wrong_and_fails() -> None:
    async with running_dns({"example.com": MX}) as server:
        result = await command(server, "example.com.")

    assert result.exit_code == 1
    assert "WRONG    _dmarc.example.com: no DMARC record" in result.output
    assert '-> publish a TXT record at _dmarc.example.com: "v=DMARC1' in result.output


async def test_the_command_is_content_with_what_is_well() -> None:
    others: Zone = {
        "example.com": {"TXT": ['"v=spf1 ip4:192.0.2.1 -all"']},
        "_mta-sts.example.com": {"TXT": ['"v=STSv1; id=1"']},
    }
    async with running_dns({**GOOD, **others}) as server:
        result = await command(server, "Example.COM", "--address", "dmarc@example.net", "--json")

    assert result.exit_code == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in result.output.splitlines()]
    assert {line["verdict"] for line in lines} == {"ok"}


async def test_the_command_looks_at_what_makes_mail_pass_too() -> None:
    zone: Zone = {**GOOD, "example.com": {"TXT": ['"v=spf1 +all"']}}
    async with running_dns(zone) as server:
        result = await command(server, "example.com", "--address", "dmarc@example.net")

    assert result.exit_code == 1
    assert "WRONG    example.com: SPF: the whole internet may send" in result.output
    assert "advice   _mta-sts.example.com: MTA-STS: no MTA-STS" in result.output


async def test_offline_is_said_and_is_no_verdict_on_the_domain(monkeypatch: Any) -> None:
    monkeypatch.setattr(resolver, "LIFETIME_S", 0.2)
    async with running_dns({}) as server:
        port = server.port
    result = await command(RunningDns(port), "example.com")

    assert result.exit_code == 1
    assert "unknown  _dmarc.example.com: DNS does not answer" in result.output


async def test_a_name_server_that_is_none_is_named() -> None:
    result = await asyncio.to_thread(
        CliRunner().invoke, dmarq, ["doctor", "--dns-only", "--server", "not an address", "example.com"]
    )

    assert result.exit_code == 1
    assert "unknown  _dmarc.example.com: DNS does not answer (no name server" in result.output


async def test_what_dns_says_plays_no_tricks_on_the_terminal() -> None:
    zone = {**GOOD, "_dmarc.example.com": {"TXT": ['"v=DMARC1; rua=mailto:a\\027[2J@example.com"']}}
    async with running_dns(zone) as server:
        result = await command(server, "example.com", "--address", "b@example.com")

    assert "\x1b" not in result.output


async def test_the_command_needs_a_domain() -> None:
    async with running_dns({}) as server:
        result = await command(server)

    assert result.exit_code == 2
    assert "name a domain" in result.output
