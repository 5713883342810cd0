"""`dmarq sources`: who sends in your name, those that need attention first."""

from typing import Any

import click

from dmarq.client import Client
from dmarq.output import columns, json_option, show
from pipeline.sources.judge import Verdict

COLUMNS = columns("source", "domain", "verdict", "messages", "failed", "last_day")


@click.command()
@click.option("--domain", help="Only those that send as this domain.")
@click.option("--service", help="Only this sending service, by its id.")
@click.option("--verdict", type=click.Choice([verdict.value for verdict in Verdict]), help="Only those that are this.")
@click.option("--search", "q", help="Only those with this text in their names.")
@click.option("--limit", default=25, show_default=True, type=click.IntRange(1), help="At most so many.")
@json_option
def sources(
    *, domain: str | None, service: str | None, verdict: str | None, q: str | None, limit: int, as_json: bool
) -> None:
    """Show who sends in your name: what they are, and how much of it fails.

    \b
    Examples:
      dmarq sources --domain example.com
      dmarq sources --verdict failing --limit 100
      dmarq sources --search sendgrid --json
    """
    with Client.here() as client:
        rows = list(client.items("/sources", limit=limit, domain=domain, service=service, verdict=verdict, q=q))
    told = rows if as_json else [{**row, "source": _name(row), "verdict": _verdict(row)} for row in rows]
    show(told, COLUMNS, as_json=as_json, empty="no source was reported")


def _name(row: dict[str, Any]) -> str:
    """The address with whose it is, as far as that is known."""
    whose = row["service_name"] or row["host"] or row["organisation"]
    address = row["source_ip"] or "no address"
    return f"{address} ({whose})" if whose else address


def _verdict(row: dict[str, Any]) -> str:
    """In words; a newer server may have another."""
    verdict = row["verdict"]
    return Verdict(verdict).text if verdict in set(Verdict) else str(verdict)
