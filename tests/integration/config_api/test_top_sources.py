"""The addresses with most messages are the same ones whether all are added up or only those that may be among them."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from config_api.overview.sources import MANY, SOURCES, SourceTotal, possible_sources, top_sources
from tests.support.config_api import Api
from tests.support.extracted import extracted
from tests.support.reports import RECORD, report_xml
from tests.support.stored import store

TOP = 20
FIRST = date(2023, 9, 10)  # the report of the support begins on 2023-11-14
DAYS = 100
SKEWED = "floor(20000 / (1 + n * n)) + floor(3 * random())"  # some heavy ones, and many that are nearly nothing
MIXED = f"{SKEWED} - CASE WHEN n % 5 = 0 THEN floor(9000 * random() / (1 + n)) ELSE 0 END"  # negative ones among them
FLAT = "5 + floor(3 * random())"
FILL = """
INSERT INTO overview_source (day, mailbox_id, domain, source_ip, messages, passed, header_from)
SELECT $1::date + (random() * $2)::integer, 'box-' || n % 2, 'd' || n % 7 || '.example.com', '10.0.0.0'::inet + n,
    {messages}, 1, 'from-' || n % 3
FROM generate_series(0, $3) AS n CROSS JOIN generate_series(1, 12)
ON CONFLICT DO NOTHING
"""
PERIODS = (
    (FIRST, FIRST + timedelta(days=DAYS)),
    (date(2023, 10, 1), date(2023, 11, 30)),
    (date(2023, 11, 1), date(2023, 11, 14)),
    (date(2023, 11, 14), date(2023, 11, 14)),
    (date(2020, 1, 1), date(2024, 1, 1)),
    (date(2024, 2, 1), date(2024, 3, 1)),
)


def fill(api: Api, messages: str, *, addresses: int) -> None:
    async def filling() -> None:
        async with api.backend.database.connection() as connection:
            await connection.execute("SELECT setseed(0.5)")
            await connection.execute(FILL.format(messages=messages), FIRST, DAYS, addresses - 1)

    api.backend.run(filling())


def due(api: Api, *parts: tuple[str, int]) -> None:
    """Addresses of a report that is in no sum yet, with their messages."""
    records = "".join(
        RECORD.replace("192.0.2.1", address).replace("<count>3<", f"<count>{messages}<") for address, messages in parts
    )
    store(api.backend, extracted(1, report_xml(records=records)))


def found(api: Api, first: date, last: date, **narrowed: str | None) -> list[SourceTotal]:
    wanted = {"domain": None, "mailbox_id": None, **narrowed}
    return api.backend.run(top_sources(api.backend.database, first, last, top=TOP, **wanted))


def all_added_up(api: Api, first: date, last: date) -> list[SourceTotal]:
    async def adding() -> Sequence[Any]:
        async with api.backend.database.connection() as connection:
            return await connection.fetch(SOURCES["first"], first, last, None, None, TOP)

    return [SourceTotal.model_validate(dict(row)) for row in api.backend.run(adding())]


def possible(api: Api, first: date, last: date) -> list[str] | None:
    async def asking() -> list[str] | None:
        async with api.backend.database.transaction() as connection:
            return await possible_sources(connection, first, last, top=TOP)

    addresses = api.backend.run(asking())
    return None if addresses is None else [address.removesuffix("/32") for address in addresses]


@pytest.mark.parametrize("messages", [SKEWED, MIXED, FLAT], ids=["skewed", "mixed", "flat"])
def test_the_first_ones_are_those_of_all_added_up(api: Api, messages: str) -> None:
    fill(api, messages, addresses=4 * MANY)
    due(api, ("192.0.2.7", 700), ("10.0.0.3", 90_000), ("10.0.0.5", -300), ("10.0.4.4", 40), ("10.0.4.5", 1))
    for first, last in PERIODS:
        assert found(api, first, last) == all_added_up(api, first, last), (first, last)
    assert [source.source_ip for source in found(api, date(2023, 11, 14), date(2023, 11, 14))][:1] == ["10.0.0.3"]


def test_of_many_addresses_only_some_are_added_up_unless_all_are_alike(api: Api) -> None:
    fill(api, SKEWED, addresses=4 * MANY)
    few = possible(api, *PERIODS[0])
    assert few is not None
    assert set(few) >= {source.source_ip for source in found(api, *PERIODS[0])}
    assert len(few) < 5 * TOP


def test_of_addresses_that_are_alike_all_are_added_up(api: Api) -> None:
    fill(api, FLAT, addresses=4 * MANY)
    assert possible(api, *PERIODS[0]) is None


def test_a_few_addresses_are_all_possible(api: Api) -> None:
    fill(api, SKEWED, addresses=TOP - 1)
    due(api, ("192.0.2.7", 1))
    assert len(found(api, *PERIODS[0])) == TOP
    assert found(api, *PERIODS[0]) == all_added_up(api, *PERIODS[0])


def test_an_address_may_be_known_only_from_what_is_in_no_sum_yet(api: Api) -> None:
    fill(api, SKEWED, addresses=4 * MANY)
    due(api, ("192.0.2.7", 10**6), ("", 10**7))
    first = found(api, *PERIODS[0])[:2]
    assert [(source.source_ip, source.messages) for source in first] == [(None, 10**7), ("192.0.2.7", 10**6)]


def test_a_domain_and_a_mailbox_have_sources_of_their_own(api: Api) -> None:
    fill(api, SKEWED, addresses=4 * MANY)
    of_domain = found(api, *PERIODS[0], domain="d3.example.com")
    assert {int(str(source.source_ip).rpartition(".")[2]) % 7 for source in of_domain if source.messages > 100} == {3}
    of_mailbox = found(api, *PERIODS[0], mailbox_id="box-1")
    assert [source.source_ip for source in of_mailbox][:2] == ["10.0.0.1", "10.0.0.3"]
    assert json.loads(api("GET", "/summary?since=2023-09-10&until=2023-12-19&mailbox_id=box-1").text)["sources"]
