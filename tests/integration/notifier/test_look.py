"""The facts of the rules, as they are read from a real database: names of sources, policies, what DNS has."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier import look
from notifier.facts import Facts
from pipeline.postgres.connection import Database
from tests.web.stored_facts import fill

KEEP = "SELECT keep_domain_dns($1, $2, '')"


@pytest.fixture
async def filled(postgres: Database, migrated_url: str) -> Database:
    """Six weeks of reports."""
    await fill(migrated_url)
    return postgres


async def read(postgres: Database) -> Facts:
    return await look.reported(postgres, datetime.now(UTC))


async def test_sources_come_with_the_name_of_their_service_their_host_or_their_network(filled: Database) -> None:
    first, second, third, *_ = sorted({source.address for source in (await read(filled)).sources if source.address})
    name = "UPDATE source SET service = $2, host = $3, organisation = $4 WHERE source_ip = $1::text::inet"
    async with filled.connection() as connection:
        await connection.executemany(name, [
            (first, "mailchimp", "mail1.mcsv.net", "Rocket Science"), (second, None, "mx.example.net", "Example Net"),
            (third, None, None, "Example Net"),
        ])  # fmt: skip

    labels = {source.address: source.label for source in (await read(filled)).sources}

    assert labels[first] == f"Mailchimp ({first})"
    assert labels[second] == f"mx.example.net ({second})"
    assert labels[third] == f"Example Net ({third})"


async def test_a_service_of_several_addresses_is_added_up_beside_them(filled: Database) -> None:
    async with filled.connection() as connection:
        await connection.execute("UPDATE source SET service = 'mailchimp'")

    found = (await read(filled)).sources
    (whole,) = [source for source in found if not source.address and source.domain == "example.com" and source.week]

    assert whole.name == "Mailchimp"
    single = [source for source in found if source.address and source.domain == "example.com"]
    assert whole.week >= sum(source.week for source in single)
    assert {source.service for source in single} == {"mailchimp"}


async def test_a_dmarc_record_counts_from_when_it_became_so_whatever_else_changed_since(filled: Database) -> None:
    def answer(policy: str, spf: str) -> list[dict[str, object]]:
        dmarc: dict[str, object] = {
            "kind": "dmarc",
            "name": "_dmarc.example.com",
            "records": [f"v=DMARC1; p={policy}"],
            "verdict": "ok",
        }
        return [dmarc, {"kind": "spf", "name": "example.com", "records": [spf], "verdict": "ok"}]

    earlier = "UPDATE domain_dns SET first_at = first_at - interval '1 day'"
    async with filled.connection() as connection:
        for policy, spf in (("none", "v=spf1 -all"), ("reject", "v=spf1 -all"), ("reject", "v=spf1 mx -all")):
            await connection.execute(earlier)
            await connection.execute(KEEP, "example.com", answer(policy, spf))
        await connection.execute("INSERT INTO domain_dns (domain, last_at, records, found) VALUES ('old.example', "
                                 "now() - interval '9 days', '[]', $1)", answer("none", ""))  # fmt: skip

    (found,) = (await read(filled)).dns

    assert (found.domain, found.name, found.texts) == ("example.com", "_dmarc.example.com", ("v=DMARC1; p=reject",))
    assert timedelta(hours=23) < datetime.now(UTC) - found.first_at < timedelta(hours=25)


async def test_policies_come_with_every_tag_that_reports_have(filled: Database) -> None:
    async with filled.connection() as connection:
        await connection.execute("UPDATE report SET p = 'Reject', sp = '', np = 'none', adkim = 's', testing = 'y'")

    tags = {one.tags for one in (await read(filled)).policies}

    assert {(one.p, one.sp, one.np, one.adkim, one.t) for one in tags} == {("reject", None, "none", "s", "y")}
