"""A viewer who is bound to domains sees nothing of any other domain, whatever they ask for."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from config_api.access.scopes import Scope
from config_api.web.needs import need_of, needs, within_domains
from parser.sources.data import NamingData, NamingFiles
from pipeline.postgres.connection import Database, open_pool
from pipeline.settings import Settings
from pipeline.telemetry.health import Readiness
from tests.support.config_api import Api
from tests.support.extracted import extracted, refused_line
from tests.support.failures import arf
from tests.support.people import user_browser
from tests.support.reports import METADATA, POLICY, RECORD, report_xml, tls_tree
from tests.support.sending import settle
from tests.support.signing_in import csrf_token
from tests.support.stored import store

OWN, OTHER = "example.com", "other-customer.test"
OWN_ADDRESS, SHARED, OTHERS_ADDRESS = "192.0.2.1", "192.0.2.2", "203.0.113.9"
DAYS = "since=2023-11-01&until=2023-11-30"
QUERIES = (
    "",
    DAYS,
    f"q={OTHER}",
    f"domain={OTHER}",
    f"domain={OTHER}&{DAYS}",
    "format=csv",
    "days=all&whole=yes",
    "by=address",
)


def about(domain: str, number: int, *addresses: str) -> str:
    rows = "".join(RECORD.replace("192.0.2.1", address).replace(OWN, domain) for address in addresses)
    return report_xml(
        metadata=METADATA.replace("r-1", f"r-{domain}-{number}"), policy=POLICY.replace(OWN, domain), records=rows
    )


def tls(*domains: str) -> bytes:
    tree = tls_tree()
    [policy] = tree["policies"][:1]
    text = json.dumps(policy)
    tree["policies"] = [json.loads(text.replace(OWN, domain)) for domain in domains]
    tree["report-id"] = "-".join(domains)
    return json.dumps(tree).encode()


@pytest.fixture
def told(api: Api, settings: Settings) -> Api:
    """Emails about both domains, stored, added up and judged."""
    store(
        api.backend,
        extracted(1, about(OWN, 1, OWN_ADDRESS, SHARED)),
        extracted(2, about(OTHER, 1, OTHERS_ADDRESS, SHARED), subject_line=f"Report Domain: {OTHER}"),
        extracted(3, about(OWN, 2, OWN_ADDRESS), about(OTHER, 2, OTHERS_ADDRESS), subject_line=f"{OWN}, {OTHER}"),
        extracted(4, about(OWN, 3, OWN_ADDRESS), lines=[refused_line()], subject_line=f"with a part of {OTHER}"),
        extracted(5, tls(OWN)),
        extracted(6, tls(OTHER), subject_line=f"Report Domain: {OTHER}"),
        extracted(7, tls(OWN, OTHER)),
        extracted(8, arf()),
        extracted(9, arf().replace("Example.com", OTHER).replace(OWN, OTHER)),
    )
    asyncio.run(_judged(settings.database_url.get_secret_value()))
    api.add_mailbox(id="box", name=f"Mailbox of {OTHER}")
    sayings = {"standing": "ours", "domain": "", "note": f"belongs to {OTHER}"}
    assert api("PUT", f"/sources/{SHARED}/standing", sayings).status_code == 200
    return api


async def _judged(url: str) -> None:
    async with await open_pool(url, size=1, name="tests") as pool:
        await settle(Database(pool, Readiness()), NamingData(NamingFiles()))


@pytest.fixture
def viewer(told: Api) -> FlaskClient:
    return user_browser(told, "customer", "viewer", domains=[OWN])


def items(viewer: FlaskClient, path: str) -> list[dict[str, Any]]:
    answer = viewer.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])  # type: ignore[index]


def ids_of(api: Api, table: str, column: str) -> list[str]:
    async def read() -> list[str]:
        async with api.backend.whole_database.connection() as connection:
            return [str(row[0]) for row in await connection.fetch(f"SELECT {column} FROM {table} ORDER BY 1")]

    return api.backend.run(read())


def test_no_answer_to_a_bound_viewer_names_another_domain(told: Api, viewer: FlaskClient) -> None:
    values = {
        "name": [OWN, OTHER],
        "address": [OWN_ADDRESS, SHARED, OTHERS_ADDRESS],
        "report_id": ids_of(told, "report", "id"),
        "mail_id": [each.replace("-", "") for each in ids_of(told, "mail", "mail_id")],
        "service_id": ["google-workspace"],
    }
    asked = 0
    for path in _paths(told, values):
        for query in QUERIES:
            if not path.startswith("/api"):
                query = f"{query}&whole=yes"
            answer = viewer.get(f"{path}?{query}")
            asked += 1
            assert answer.status_code in (200, 303, 404, 410, 422), (path, query, answer.text)
            if unknown(path + query) == path + query:
                shown = [word for word in (OTHERS_ADDRESS, OTHER, "Mailbox of") if word in answer.text]
                assert shown == [], (path, query)
            else:  # what was typed stands in the page; so it would for something that nobody has heard of
                elsewhere = viewer.get(f"{unknown(path)}?{unknown(query)}")
                assert unknown(answer.text) == elsewhere.text, (path, query)
    assert asked > 300


def test_a_bound_viewer_sees_all_of_their_own_as_others_see_it(told: Api, viewer: FlaskClient) -> None:
    everything = told("GET", f"/reports?domain={OWN}&limit=100").json
    assert everything is not None
    assert [each["id"] for each in items(viewer, "/reports?limit=100")] == [each["id"] for each in everything["items"]]
    for path in (f"/domains/{OWN}", f"/summary?domain={OWN}&{DAYS}", f"/domains/{OWN}/readiness"):
        seen, whole = viewer.get(f"/api/v1{path}").json, told("GET", path).json
        assert seen is not None
        assert whole is not None
        for each in (seen, whole):
            for part in (each.get("totals"), each.get("previous")):
                if part:  # emails are counted over all domains there
                    part.pop("mails")
                    part.pop("mails_failed")
        assert seen == whole, path
    totals = viewer.get(f"/api/v1/summary?{DAYS}").json["totals"]  # type: ignore[index]
    assert totals["messages"] == told("GET", f"/summary?domain={OWN}&{DAYS}").json["totals"]["messages"]  # type: ignore[index]
    assert {each["source_ip"] for each in items(viewer, "/sources?limit=100")} == {OWN_ADDRESS, SHARED}
    assert viewer.get("/").status_code == 200


def test_emails_are_theirs_when_every_file_in_them_is(told: Api, viewer: FlaskClient) -> None:
    assert sorted(each["uid"] for each in items(viewer, "/mails?limit=100")) == [1, 5, 8]
    assert {each["mailbox_id"] for each in items(viewer, "/mails?limit=100")} == {""}


def test_an_answer_that_is_kept_for_a_while_is_kept_for_each_confinement(told: Api, viewer: FlaskClient) -> None:
    for path in (f"/sources?{DAYS}", f"/services?{DAYS}", f"/summary?{DAYS}"):
        whole, seen = told("GET", path).text, viewer.get(f"/api/v1{path}").text
        again = told("GET", path).text
        assert whole == again
        assert OTHERS_ADDRESS in whole or OTHERS_ADDRESS not in seen
        assert whole != seen


def test_a_bound_viewer_writes_nothing_even_where_a_route_forgot_to_ask(told: Api, viewer: FlaskClient) -> None:
    def forgot() -> str:
        async def change() -> None:
            async with told.backend.database.connection() as connection:
                await connection.execute("DELETE FROM public.report")

        told.backend.run(change())
        return "done"

    told.app.view_functions["forgot"] = within_domains(needs(Scope.READ)(forgot))
    told.app.url_map.add(Rule("/forgot", endpoint="forgot", methods=["GET"]))
    before = ids_of(told, "report", "id")
    assert viewer.get("/forgot").status_code >= 500
    assert ids_of(told, "report", "id") == before


def test_what_is_confined_has_the_columns_of_the_tables(api: Api) -> None:
    query = """
        SELECT table_schema, table_name, column_name, data_type, ordinal_position FROM information_schema.columns
        WHERE table_name IN (SELECT table_name FROM information_schema.views WHERE table_schema = 'confined')
            AND table_schema IN ('confined', 'public')
    """

    async def read() -> list[asyncpg.Record]:
        async with api.backend.whole_database.connection() as connection:
            return list(await connection.fetch(query))

    columns: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for row in sorted(api.backend.run(read()), key=lambda row: row["ordinal_position"]):
        known = columns.setdefault(row["table_name"], {"public": [], "confined": []})
        known[row["table_schema"]].append((row["column_name"], row["data_type"]))
    assert len(columns) > 25
    for name, known in columns.items():
        assert known["confined"] == known["public"], f"{name}: a migration changed the table and not the view"


def test_another_viewer_with_both_domains_sees_both(told: Api) -> None:
    both = user_browser(told, "agency", "viewer", domains=[OWN, OTHER])
    assert {each["domain"] for each in items(both, "/domains")} == {OWN, OTHER}
    assert csrf_token(both, "/account")


def _paths(api: Api, values: dict[str, list[str]]) -> Iterator[str]:
    """Every address that a bound viewer may look at, with each value in place of what varies."""
    for rule in api.app.url_map.iter_rules():
        need = need_of(api.app.view_functions[rule.endpoint])
        if need is None or not need.within_domains or "GET" not in (rule.methods or ()) or rule.endpoint == "forgot":
            continue
        [varying] = rule.arguments or {""}
        for value in values.get(varying, [""]):
            with api.app.test_request_context():
                adapter = api.app.url_map.bind("localhost")
                converted: Any = int(value) if varying == "report_id" else value
                yield adapter.build(rule.endpoint, {varying: converted} if varying else {}, method="GET")


def unknown(text: str) -> str:
    """The text with names that are nowhere in the place of the other domain's."""
    return text.replace(OTHER, "nowhere-at-all.test").replace(OTHERS_ADDRESS, "203.0.113.8")
