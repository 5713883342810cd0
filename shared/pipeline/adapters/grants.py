"""What each role may do in the database: `grants.sql`, given anew after every migration to the roles that exist."""

import re
from importlib.resources import files

import asyncpg

_PART = re.compile(r"^-- role: (\w+)$", re.MULTILINE)


def grants() -> dict[str, str]:
    """The statements of each role."""
    _, *parts = _PART.split(files("pipeline.adapters").joinpath("grants.sql").read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


async def grant(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Gives the roles that exist their rights, and says which. Where there are none, one role does everything."""
    rows = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1::text[])", list(grants()))
    known = {row["rolname"] for row in rows}
    for role, statements in grants().items():
        if role in known:
            async with connection.transaction():
                await connection.execute(statements)
    return [role for role in grants() if role in known]
