"""`dmarq domains`: what is sent in the name of each domain, and whether it may be stricter."""

import json
from typing import Any

import click

from dmarq.client import Client, segment
from dmarq.output import columns, json_option, plain, show

COLUMNS = columns("domain", "policy", "messages", "passed", "to_fix", "spoofing", "last_day")
RECORDS = columns("name", "verdict", "meaning")


@click.command()
@click.argument("name", metavar="[DOMAIN]", required=False)
@click.option("--ask-dns", is_flag=True, help="Have a fetcher ask DNS for the DOMAIN's records now.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="At most so many.")
@json_option
def domains(*, name: str | None, ask_dns: bool, limit: int, as_json: bool) -> None:
    """Show the domains that reports speak of; or of one DOMAIN whether it is ready for a stricter policy, and its DNS.

    \b
    Examples:
      dmarq domains
      dmarq domains example.com
      dmarq domains example.com --ask-dns --json
    """
    if ask_dns and not name:
        raise click.UsageError("name the domain whose DNS is to be asked")
    with Client.here() as client:
        if name is None:
            rows = list(client.items("/domains", limit=limit))
            show(rows if as_json else map(_row, rows), COLUMNS, as_json=as_json, empty="no domain was reported on")
            return
        path = f"/domains/{segment(name)}"
        dns = client.post(f"{path}/dns") if ask_dns else client.get(f"{path}/dns")
        ready = client.get(f"{path}/readiness")
    if as_json:
        click.echo(json.dumps({"readiness": ready, "dns": dns}, ensure_ascii=False))
        return
    _tell_readiness(ready)
    _tell_dns(dns)


def _row(domain: dict[str, Any]) -> dict[str, Any]:
    sources = {sums["verdict"]: sums["sources"] for sums in domain["verdicts"]}
    share = domain["passed"] / domain["messages"] if domain["messages"] > 0 else 0.0
    return {
        "domain": domain["domain"],
        "policy": domain["p"],
        "messages": domain["messages"],
        "passed": f"{share:.1%}",
        "to_fix": sources.get("misaligned", 0),
        "spoofing": sources.get("failing", 0),
        "last_day": domain["last_day"],
    }


def _tell_readiness(ready: dict[str, Any]) -> None:
    says = "says DNS" if ready["policy_from"] == "dns" else "say the latest reports"
    testing = ", as a test" if ready["is_testing"] else ""
    click.echo(f"{plain(ready['domain'])}: the policy is {ready['policy']}{testing}, {says}")
    click.echo(
        f"{ready['since']} to {ready['until']}: {ready['messages']:,} messages, {ready['yours']:,} of them yours, "
        f"{ready['lost']:,} of those fail"
    )
    if ready["spoofing"]["kind"] != "none":
        click.echo(f"spoofing, {ready['spoofing']['kind']}: {plain(ready['spoofing']['evidence'])}")
    for target in ready["targets"]:
        click.echo(f"  {target['policy']}: {'ready' if target['ready'] else plain('; '.join(target['reasons']))}")
    click.echo(f"first: {plain(ready['first'])}")
    if ready["next_record"]:
        click.echo(f"next record: {plain(ready['next_record'])}")
    click.echo()


def _tell_dns(dns: dict[str, Any]) -> None:
    if dns["problem"]:
        click.echo(f"DNS, asked at {dns['asked_at']}: {plain(dns['problem'])}")
    found = dns["latest"]["records"] if dns["latest"] else []
    rows = [{**one, "meaning": one["text"] + (f" -> {one['remedy']}" if one["remedy"] else "")} for one in found]
    show(rows, RECORDS, as_json=False, empty="its DNS was not asked for yet: dmarq domains DOMAIN --ask-dns")
