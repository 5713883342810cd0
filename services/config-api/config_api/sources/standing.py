"""What a person says of an address or a service: kept, and told in the journal of changes."""

from config_api.errors import not_found
from config_api.mailboxes import journal
from config_api.sources.filters import SQL
from config_api.sources.shapes import StandingRequest, StandingRow
from pipeline.postgres.connection import Database

JOURNAL = "sources"  # where the journal has a mailbox
MOST_SHOWN = 200  # characters of a note in the journal
_WORDS = {"ours": "ours", "not_ours": "not ours", "ignore": "to be ignored"}


async def all_of(database: Database) -> list[StandingRow]:
    """All that was said, 1,000 at most."""
    async with database.connection() as connection:
        rows = await connection.fetch(SQL["standings"], None, None)
    return [StandingRow.model_validate(dict(row)) for row in rows]


async def say(database: Database, kind: str, target: str, decision: StandingRequest, *, who: str) -> StandingRow:
    """Keeps it; the sources are judged again within seconds. `kind` is "address" or "service"."""
    domain = (decision.domain or "").lower()
    async with database.transaction() as connection:
        row = await connection.fetchrow(SQL["say"], kind, target, domain, decision.standing, decision.note, who)
        text = f"{who} said that {target} is {_WORDS[decision.standing]}{_for(domain)}"
        if decision.note:
            text += f": {decision.note[:MOST_SHOWN]}"
        await journal.note(connection, JOURNAL, "standing_said", text=text, who=who)
    return StandingRow.model_validate(dict(row or {}))


async def take_back(database: Database, kind: str, target: str, domain: str | None, *, who: str) -> None:
    """Forgets it. Raises NotFound where nothing was said."""
    of_domain = (domain or "").lower()
    async with database.transaction() as connection:
        said = await connection.fetchval(SQL["take_back"], kind, target, of_domain)
        if said is None:
            raise not_found("standing")
        text = f"{who} took back that {target} is {_WORDS[said]}{_for(of_domain)}"
        await journal.note(connection, JOURNAL, "standing_taken_back", text=text, who=who)


def _for(domain: str) -> str:
    return f" for {domain}" if domain else ""
