"""`dmarq retention`: how much is kept, and what would go."""

import click

from dmarq.client import Client
from dmarq.output import columns, json_option, show
from pipeline.settings import Settings


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go; this command does nothing else.")
@click.option("--documents-days", type=int, help="Report files (DMARQ_KEEP_DOCUMENTS_DAYS).")
@click.option("--failure-days", type=int, help="Failure reports (DMARQ_KEEP_FAILURE_DAYS).")
@click.option("--records-months", type=int, help="Rows of reports, whole months (DMARQ_KEEP_RECORDS_MONTHS).")
@json_option
def retention(
    *, dry_run: bool, documents_days: int | None, failure_days: int | None, records_months: int | None, as_json: bool
) -> None:
    """Show how much is kept of each kind of data, since when, and how much of it is due to go.

    The parser clears every hour what is older than the settings say. Without options those of this environment hold;
    with them this is the dry run of other ones, which you then set. 0 keeps for ever.

    \b
    Examples:
      dmarq retention
      dmarq retention --dry-run --documents-days 30 --failure-days 14
    """
    del dry_run  # it never changes anything
    settings = Settings.load()
    spans = {
        "documents_days": settings.keep_documents_days if documents_days is None else documents_days,
        "failure_days": settings.keep_failure_days if failure_days is None else failure_days,
        "records_months": settings.keep_records_months if records_months is None else records_months,
    }
    with Client.here() as client:
        kinds = client.get("/retention", **spans)["kinds"]
    show(kinds, columns("kind", "kept", "oldest", "due"), as_json=as_json, empty="nothing is kept")
