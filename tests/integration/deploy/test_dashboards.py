"""Every query of the Grafana dashboards runs on the schema as it is, and finds what the reports say."""

import json
import re
from pathlib import Path

import pytest

from parser.handler import ParserHandler
from parser.sources.data import NamingData, NamingFiles
from pipeline.postgres.connection import Database
from tests.support.deployment import DEPLOY
from tests.support.extracted import extracted
from tests.support.fixtures_postgres import rows, values
from tests.support.reports import report_xml
from tests.support.sending import ALL, report, settle

# What Grafana makes of its macros and variables before it asks.
EXPANDED = {
    r"\$__timeFilter\((\w+)\)": r"\1 BETWEEN '2000-01-01' AND '2100-01-01'",
    r"\$__timeGroup\((\w+), '1d', 0\)": r"date_trunc('day', \1)",
    r"\(\$(domain|reporter)\)": r"(SELECT \1 FROM dashboard_report)",
}


def queries() -> list[tuple[str, str]]:
    """(title, SQL) of every panel and variable that asks PostgreSQL."""
    found = []
    for path in sorted(Path(DEPLOY / "grafana/dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        found += [(variable["label"], variable["query"]) for variable in dashboard["templating"]["list"]]
        targets = [(panel["title"], target) for panel in dashboard["panels"] for target in panel["targets"]]
        found += [(title, target["rawSql"]) for title, target in targets if "rawSql" in target]
    return found


@pytest.mark.parametrize(("title", "query"), queries())
async def test_a_query_runs(title: str, query: str, postgres: Database) -> None:
    for macro, expansion in EXPANDED.items():
        query = re.sub(macro, expansion, query)
    assert "$" not in query, title

    await rows(postgres, query)


async def test_the_views_add_up_to_what_the_report_says(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report_xml())])

    (report,) = await rows(postgres, "SELECT mails, passed, records FROM dashboard_report")
    (sums,) = await rows(
        postgres, "SELECT sum(mails) AS mails, sum(aligned) AS passed, count(*) AS records FROM dashboard_compliance"
    )
    assert report == sums
    assert await values(postgres, "SELECT outcome FROM dashboard_mail") == ["imported"]


async def test_the_view_of_sources_says_what_the_pages_say(parser: ParserHandler, postgres: Database) -> None:
    await parser([extracted(1, report(*ALL))])
    await settle(postgres, NamingData(NamingFiles()))

    found = await rows(postgres, "SELECT source_ip, verdict, service, mails, failed FROM dashboard_source ORDER BY 1")
    assert [tuple(row.values()) for row in found] == [
        ("192.0.2.1", "aligned", "", 500, 0),
        ("192.0.2.10", "misaligned", "twilio-sendgrid", 2310, 2310),
        ("192.0.2.20", "forwarded", "", 40, 0),
        ("192.0.2.66", "failing", "", 900, 900),
    ]
