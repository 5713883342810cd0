"""`dmarq doctor`: why no reports arrive."""

import asyncio
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import click

from dmarq.client import ApiError, Client
from dmarq.doctor import Finding, authentication, examine, system, unanswered
from dmarq.output import json_option, plain
from pipeline.contracts.domain_dns import DnsVerdict, Selector
from pipeline.dns.resolver import Dns, Offline

_SIGNS = {
    DnsVerdict.OK: "ok     ",
    DnsVerdict.ADVICE: "advice ",
    DnsVerdict.WRONG: "WRONG  ",
    DnsVerdict.UNKNOWN: "unknown",
}


@dataclass(slots=True)
class _System:
    """What the running system told: findings, the addresses it reads, the domains it knows, and their keys."""

    found: list[Finding] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    keys: dict[str, tuple[Selector, ...]] = field(default_factory=dict)


@click.command()
@click.argument("domains", metavar="[DOMAIN]...", nargs=-1)
@click.option("--address", "addresses", multiple=True, help="An address that reports are read from; repeat for more.")
@click.option("--dns-only", is_flag=True, help="Do not ask the running system; look at DNS alone.")
@click.option("--server", default="", help="Ask this name server (an IP address) instead of the machine's.")
@click.option("--port", default=53, show_default=True, help="Its port.")
@json_option
def doctor(
    *, domains: tuple[str, ...], addresses: tuple[str, ...], dns_only: bool, server: str, port: int, as_json: bool
) -> None:
    """Find out why no reports arrive: try every mailbox, and see what DNS says for each DOMAIN.

    Without a DOMAIN, those are examined that reports were received for; before the first report, those of the
    mailboxes' addresses. The exit status is 1 when something is wrong or could not be found out.

    \b
    Examples:
      dmarq doctor example.com
      dmarq doctor example.com --dns-only --address dmarc@example.com
    """
    named = [domain.strip().rstrip(".").lower() for domain in domains]
    told = _System() if dns_only else _asked(named)
    ours = addresses or tuple(told.addresses)
    wanted = named or told.domains or _guessed(told.addresses)
    if not wanted and not told.found:
        raise click.UsageError("name a domain")
    found = told.found + asyncio.run(_examined(wanted, ours, told.keys, server=server, port=port))
    _show(found, as_json=as_json)
    sys.exit(1 if any(finding.verdict in (DnsVerdict.WRONG, DnsVerdict.UNKNOWN) for finding in found) else 0)


async def _examined(
    domains: Sequence[str],
    ours: Collection[str],
    keys: Mapping[str, Sequence[Selector]],
    *,
    server: str,
    port: int,
) -> list[Finding]:
    try:
        dns = Dns(server, port=port)
    except Offline as why:
        return [unanswered(domain, f"_dmarc.{domain}", str(why)) for domain in domains]
    each = await asyncio.gather(*(_looked_at(dns, domain, ours, keys.get(domain, ())) for domain in domains))
    return [finding for findings in each for finding in findings]


async def _looked_at(dns: Dns, domain: str, ours: Collection[str], keys: Sequence[Selector]) -> list[Finding]:
    found = await examine(dns, domain, ours)
    is_known = found[0].name != domain  # else DNS knows no such domain, or is away
    return found + (await authentication(dns, domain, keys) if is_known else [])


def _asked(named: Sequence[str]) -> _System:
    told = _System()
    try:
        with Client.here() as client:
            for mailbox in client.get("/mailboxes")["items"]:
                told.found += system.tried(client, mailbox)
                told.addresses += [mailbox["username"]] if "@" in mailbox["username"] else []
            told.found += system.stores(client)
            told.domains = system.reported_domains(client)
            told.keys = system.selectors(client, named or told.domains)
    except ApiError as error:
        told.found.append(system.failed(system.NAME, "dmarq run", error))
    return told


def _guessed(addresses: Sequence[str]) -> list[str]:
    """The domains to look at where no report has come, so that nobody knows which ones are reported on."""
    domains = system.domains_of(addresses)
    named = plain(", ".join(domains)) or "none; name one to look at DNS too"
    click.echo(f"No report is known yet, so these are the domains of the mailboxes' addresses: {named}", err=True)
    return domains


def _show(found: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        for finding in found:
            click.echo(json.dumps(asdict(finding)))
        return
    above = ""
    for finding in found:
        if finding.domain != above:
            above = finding.domain
            click.echo(f"{plain(above)}")
        click.echo(f"  {_SIGNS[finding.verdict]}  {plain(finding.name)}: {plain(finding.text)}")
        if finding.remedy:
            click.echo(f"           -> {plain(finding.remedy)}")
