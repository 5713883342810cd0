"""`dmarq erase`: one email address out of all that is kept."""

import json

import click

from dmarq.client import Client
from dmarq.output import json_option

TIMEOUT_S = 600.0
MEANINGS = {
    "reports": "reports in which it stands",
    "documents": "report files that hold it",
    "emails": "emails of the ledger with it",
    "activities": "lines of the log",
    "dead_letters": "dead letters with it",
}


@click.command()
@click.argument("address")
@click.option("--dry-run", is_flag=True, help="Only say where it stands.")
@json_option
def erase(*, address: str, dry_run: bool, as_json: bool) -> None:
    """Erase one email address from all that is kept of it, as a person may ask for.

    It goes from failure reports, also in its redacted form, and from the ledger and the log. Report files that hold
    it are no longer kept, and dead letters with it are discarded. Needs an admin token. Emails in the mailbox,
    backups, and events that third parties have read are not reached.

    \b
    Examples:
      dmarq erase jane@example.com --dry-run
      dmarq erase jane@example.com
    """
    with Client.here(timeout_s=TIMEOUT_S) as client:
        found = client.post("/erasures", {"address": address, "dry_run": dry_run})
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo("found, nothing was changed:" if dry_run else "erased:")
    for name, meaning in MEANINGS.items():
        click.echo(f"{found[name]:8} {meaning}")
