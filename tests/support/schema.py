"""What a database's schema is made of, as lines that can be compared: whatever way it was made."""

import asyncpg

# One line for each thing in `public`: its kind, its name, and all that PostgreSQL knows of it that has a meaning.
QUERIES = (
    """
    SELECT format('table %s %s %s %s', relname, relkind, reloptions, relacl) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v')
    """,
    """
    SELECT format('column %s.%s %s %s %s %s %s %s %s', relname, attnum, attname, format_type(atttypid, atttypmod),
        attnotnull, attstorage, attidentity, attgenerated, pg_get_expr(adbin, adrelid))
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0
    """,
    """
    SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    """,
    "SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT format('view %s %s', viewname, definition) FROM pg_views WHERE schemaname = 'public'",
    """
    SELECT format('function %s %s', pg_get_functiondef(oid), proacl) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    """,
    """
    SELECT format('trigger %s %s', pg_get_triggerdef(pg_trigger.oid), tgenabled)
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    """,
    """
    SELECT format('partition %s %s', relname, pg_get_expr(relpartbound, oid)) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relispartition
    """,
)


async def described_schema(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Everything in the schema `public`, sorted."""
    found = [str(row[0]) for query in QUERIES for row in await connection.fetch(query)]
    return sorted(found)
