"""Whether a domain may ask for quarantine and reject: the rules of `pipeline.sources`, by what the tables say."""

from collections.abc import Sequence
from datetime import timedelta

from config_api.domains import dns
from config_api.domains.queries import SQL, known_domain, verdict_sums
from config_api.domains.shapes import InTheWay, ReadinessAnswer, SpoofingRow, TargetRow, VerdictSums
from config_api.sources.filters import TERMS
from pipeline.postgres.connection import Database, Record
from pipeline.sources.catalogue import Catalogue
from pipeline.sources.facts import NO_ADDRESS
from pipeline.sources.judge import Verdict
from pipeline.sources.readiness import Policy, Published, Seen, SourceSums, readiness
from pipeline.sources.spoofing import spoofing

WINDOW_DAYS = 30


async def readiness_of(database: Database, catalogue: Catalogue, name: str) -> ReadinessAnswer:
    """Whether a domain may ask for quarantine and for reject. Raises NotFound."""
    async with database.transaction() as connection:
        await connection.execute(TERMS)
        domain = await known_domain(connection, name)
        first, last = domain["last_day"] - timedelta(days=WINDOW_DAYS - 1), domain["last_day"]
        key = domain["domain"]
        policies = await connection.fetch(SQL["policies"], key, first, last)
        seen = await connection.fetchrow(SQL["seen"], key, first, last)
        sums = await connection.fetch(SQL["sums"], key)
        in_dns = await dns.published(connection, key)
        verdicts = (await verdict_sums(connection, [key]))[key]
    published = in_dns or _published(policies)
    answer = readiness(
        published,
        Seen(days=seen["days"] if seen else 0, reporters=seen["reporters"] if seen else 0),
        [_source_sums(row, key, catalogue) for row in sums],
    )
    return ReadinessAnswer(
        domain=key,
        since=first,
        until=last,
        policy=published.p,
        policy_from="dns" if in_dns else "reports",
        is_testing=published.is_testing,
        days=answer.seen.days,
        reporters=answer.seen.reporters,
        messages=answer.messages,
        yours=answer.yours,
        lost=answer.lost,
        lost_share=answer.lost_share,
        forwarded_lost=answer.forwarded_lost,
        spoofed=answer.spoofed,
        spoofing=_spoofing(key, verdicts),
        targets=[TargetRow(policy=one.policy, ready=one.ready, reasons=list(one.reasons)) for one in answer.targets],
        in_the_way=[InTheWay.model_validate(one, from_attributes=True) for one in answer.in_the_way],
        first=answer.first,
        next_record=answer.next_record,
    )


def _spoofing(domain: str, verdicts: Sequence[VerdictSums]) -> SpoofingRow:
    failing = [sums for sums in verdicts if sums.verdict is Verdict.FAILING]
    found = spoofing(
        domain,
        messages=sum(sums.failed for sums in failing),
        addresses=sum(sums.sources for sums in failing),
        all_messages=sum(sums.messages for sums in verdicts),
    )
    return SpoofingRow.model_validate(found, from_attributes=True)


def _published(policies: Sequence[Record]) -> Published:
    """What was published last; a word that is no policy counts as none, as receivers have it."""
    if not policies:
        return Published()
    row = policies[0]
    is_partial = row["pct"] is not None and row["pct"] < 100
    return Published(
        _policy(row["p"]) or Policy.NONE, _policy(row["sp"]), _policy(row["np"]), row["testing"] == "y" or is_partial
    )


def _policy(word: str | None) -> Policy | None:
    return Policy(word) if word in list(Policy) else None


def _source_sums(row: Record, domain: str, catalogue: Catalogue) -> SourceSums:
    service = catalogue.services.get(row["service"] or "")
    name = service.name if service else row["service"] or row["source_ip"] or NO_ADDRESS
    return SourceSums(
        name=name,
        verdict=Verdict(row["verdict"]),
        messages=row["messages"],
        failed=row["failed"],
        advice=f"set up domain authentication for {domain} at {name}",
        link=service.help if service else None,
    )
