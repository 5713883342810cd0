"""Facts about sources, from rows of the tables. Pure; parser and config-api judge by the same."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.sources.catalogue import Catalogue
from pipeline.sources.judge import Facts, Standing, Sums
from pipeline.sources.naming import Identity, Mechanism

NO_ADDRESS = "an unknown address"


def identities_of(rows: Iterable[Sequence[Any]]) -> tuple[Identity, ...]:
    """Identities from (mechanism, name, passed, selector, is_recent)."""
    return tuple(Identity(Mechanism(mechanism), *others) for mechanism, *others in rows)


def facts_of(row: Mapping[str, Any], catalogue: Catalogue) -> Facts:
    """Facts from a row of `source_verdict` with its names, its standing and its identities."""
    address = str(row["source_ip"] or "").partition("/")[0]
    return Facts(
        domain=row["domain"],
        source=NO_ADDRESS if address in ("", "0.0.0.0") else address,
        now=Sums(
            messages=row["messages"],
            passed=row["passed"],
            dkim=row["dkim"],
            spf=row["spf"],
            quarantined=row["quarantined"],
            rejected=row["rejected"],
            overridden=row["overridden"],
        ),
        before=Sums(messages=row["messages_before"], passed=row["passed_before"]),
        service=catalogue.services.get(row["service"] or ""),
        standing=Standing(row["standing"]) if row["standing"] else None,
        identities=identities_of(row["identities"]),
        is_known_sender=row["is_known_sender"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        window_end=row["window_end"],
        domain_since=row["domain_since"],
    )
