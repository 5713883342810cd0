"""The sources of the overview: the whole of it in the API, a part of its own for the page."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from pipeline.settings import Settings
from tests.support.config_api import Api
from tests.support.extracted import extracted
from tests.support.holding import WAITING, sources_held
from tests.support.reports import POLICY, RECORD, report_xml
from tests.support.services import ADMIN_TOKEN
from tests.support.stored import store

PART = "/overview/sources"
DAYS = "since=2023-11-14&until=2023-11-14"
ROW = re.compile(
    r'class="address"><a href="[^"]+">(.*?)</a></th>.*?<span class="num">(.*?)</span>.*?class="num">(.*?)</td>',
    re.DOTALL,
)


@pytest.fixture
def visitor(api: Api) -> FlaskClient:
    browser = api.browser()
    token = browser.get("/sign-in").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    browser.post("/sign-in", data={"secret": ADMIN_TOKEN, "csrf_token": token})
    return browser


def fill(api: Api) -> None:
    failed = RECORD.replace("192.0.2.1", "192.0.2.2").replace("<dkim>pass", "<dkim>fail")
    failed = failed.replace("<spf>pass", "<spf>fail")
    other = POLICY.replace("<domain>example.com", "<domain>example.org")
    store(
        api.backend,
        extracted(1, report_xml(records=RECORD + failed * 2)),
        extracted(2, report_xml(policy=other, records=failed)),
    )


def test_the_part_of_the_page_shows_what_the_api_tells(api: Api, visitor: FlaskClient) -> None:
    fill(api)
    for query, rows in {
        DAYS: [("192.0.2.2", "0%", "9"), ("192.0.2.1", "100%", "3")],
        f"{DAYS}&domain=example.org": [("192.0.2.2", "0%", "3")],
    }.items():
        assert ROW.findall(visitor.get(f"{PART}?{query}").text) == rows
        told = api("GET", f"/summary?{query}").json
        assert told is not None
        assert [(source["source_ip"], str(source["messages"])) for source in told["sources"]] == [
            (address, messages) for address, _, messages in rows
        ]
    assert "No aggregate report in this period." in visitor.get(f"{PART}?since=2023-11-13&until=2023-11-13").text


@pytest.mark.parametrize("query", ["", "since=x&until=2023-11-14", "days=%00", "since=0001-01-01", "domain=%00"])
def test_a_period_that_makes_no_sense_has_the_usual_one(api: Api, visitor: FlaskClient, query: str) -> None:
    answer = visitor.get(f"{PART}?{query}")
    assert answer.status_code == 200
    assert "No aggregate report in this period." in answer.text


def test_the_page_names_its_part_safely_while_the_api_waits_for_the_whole(
    api: Api, visitor: FlaskClient, settings: Settings
) -> None:
    fill(api)
    url = settings.database_url.get_secret_value()
    with ThreadPoolExecutor(1) as aside:

        async def meanwhile() -> str:
            async with sources_held(url) as holder:
                told = aside.submit(api, "GET", f"/summary?{DAYS}")
                while not await holder.fetch(WAITING):  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.01)
                page = await asyncio.to_thread(visitor.get, f"/?{DAYS}&domain=example.org")
                assert not told.done()
            answer = await asyncio.to_thread(told.result)
            assert answer.json is not None
            assert len(answer.json["sources"]) == 2
            return page.text

        page = asyncio.run(meanwhile())
    assert "192.0.2.2" not in page
    assert f'data-later="{PART}?since=2023-11-14&amp;until=2023-11-14&amp;domain=example.org"' in page
