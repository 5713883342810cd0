"""`dmarq reparse`: kept documents read again, after a fix of the parser."""

import json
import sys
import time
from datetime import datetime
from typing import Any

import click

from dmarq.client import Client
from dmarq.output import json_option

EVERY_S = 0.5
MEANINGS = {
    "new": "refused before, reports now",
    "duplicate": "say what another report says",
    "changed": "read otherwise than before",
    "same": "read as before",
    "kept": "would be refused now; their reports stay",
    "broken": "could not be read for a bug; see the parser's log",
}
_moment = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])


@click.command()
@click.option("--since", type=_moment, help="Stored at this time or later (UTC unless it says otherwise).")
@click.option("--until", type=_moment, help="Stored before this time.")
@click.option("--domain", help="Reports about this policy domain.")
@click.option("--reason", help="Documents that were refused for this reason.")
@click.option("--parser-version", help="Documents that were last read by this version of the parser.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
def reparse(
    *, since: datetime | None, until: datetime | None, as_json: bool, dry_run: bool, **filters: str | None
) -> None:
    """Read kept documents again, and say what that changes.

    Goes on in the background when this command is interrupted. Reports that were stored are never given up: where
    their document would be refused now, they stay.

    \b
    Examples:
      dmarq reparse --dry-run
      dmarq reparse --reason not_well_formed --since 2026-01-01
    """
    request: dict[str, Any] = {name: text for name, text in filters.items() if text is not None}
    request |= {name: _utc(at) for name, at in (("since", since), ("until", until)) if at is not None}
    with Client.here() as client:
        job = _watched(client, client.post("/reparse", request | {"dry_run": dry_run}))
    if as_json:
        click.echo(json.dumps(job))
        return
    click.echo(f"{job['documents']} documents" + (", nothing was changed:" if dry_run else ":"))
    for change, number in job["counts"].items():
        click.echo(f"{number:8} {MEANINGS[change]}")


def _watched(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it is finished."""
    with click.progressbar(length=job["documents"], label="reading", file=sys.stderr) as bar:
        while job["finished_at"] is None:
            time.sleep(EVERY_S)
            job = client.get(f"/reparse/{job['id']}")
            bar.update(sum(job["counts"].values()) - bar.pos)
    return job


def _utc(at: datetime) -> str:
    return at.isoformat() if at.tzinfo else at.isoformat() + "Z"
