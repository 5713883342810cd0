"""`dmarq doctor`: why no reports arrive."""

import asyncio
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from dmarq.client import ApiError, Client
from dmarq.doctor import Dns, Finding, Offline, Verdict, examine
from dmarq.output import json_option

_SIGNS = {Verdict.OK: "ok     ", Verdict.ADVICE: "advice ", Verdict.WRONG: "WRONG  ", Verdict.UNKNOWN: "unknown"}
MAX_DOMAINS = 50


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

    Without a DOMAIN, those are examined that reports were received for. The exit status is 1 when something is wrong
    or could not be found out.

    \b
    Examples:
      dmarq doctor example.com
      dmarq doctor example.com --dns-only --address dmarc@example.com
    """
    mailboxes = [] if dns_only else _mailboxes()
    tried = [_tried(mailbox) for mailbox in mailboxes]
    ours = addresses or tuple(mailbox["username"] for mailbox in mailboxes if "@" in mailbox["username"])
    wanted = [domain.strip().rstrip(".").lower() for domain in domains or ([] if dns_only else _reported())]
    if not wanted and not tried:
        raise click.UsageError("name a domain")
    found = tried + asyncio.run(_examined(wanted, ours, server=server, port=port))
    _show(found, as_json=as_json)
    sys.exit(1 if any(finding.verdict in (Verdict.WRONG, Verdict.UNKNOWN) for finding in found) else 0)


async def _examined(domains: Sequence[str], ours: Collection[str], *, server: str, port: int) -> list[Finding]:
    try:
        dns = Dns(server, port=port)
    except Offline as why:
        raise click.ClickException(str(why)) from None
    each = await asyncio.gather(*(examine(dns, domain, ours) for domain in domains))
    return [finding for findings in each for finding in findings]


def _mailboxes() -> list[dict[str, Any]]:
    try:
        with Client.here() as client:
            return list(client.get("/mailboxes")["items"])
    except ApiError as error:
        raise click.ClickException(f"{error.message}\nTo look at DNS alone: dmarq doctor --dns-only DOMAIN") from None


def _tried(mailbox: Mapping[str, Any]) -> Finding:
    name = mailbox["id"]
    if not mailbox["enabled"]:
        return Finding(name, mailbox["host"], Verdict.ADVICE, "the mailbox is paused", f"dmarq mailbox resume {name}")
    with Client.here() as client:
        answer = client.post(f"/mailboxes/{name}/test")
    verdict = Verdict.OK if answer["success"] else Verdict.WRONG
    return Finding(name, mailbox["host"], verdict, answer["summary"], " ".join(answer["recovery_steps"][:2]))


def _reported() -> list[str]:
    """The domains that reports were received for."""
    with Client.here() as client:
        return [row["domain"] for row in client.get("/summary")["domains"][:MAX_DOMAINS]]


def _show(found: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        for finding in found:
            click.echo(json.dumps(asdict(finding)))
        return
    above = ""
    for finding in found:
        if finding.domain != above:
            above = finding.domain
            click.echo(f"{_plain(above)}")
        click.echo(f"  {_SIGNS[finding.verdict]}  {_plain(finding.name)}: {_plain(finding.text)}")
        if finding.remedy:
            click.echo(f"           -> {_plain(finding.remedy)}")


def _plain(text: str) -> str:
    """Without what could play tricks on a terminal: DNS may say anything."""
    return "".join(c if c.isprintable() else "?" for c in text)
