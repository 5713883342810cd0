"""A database with as many reports as wanted, made by PostgreSQL itself: a year of some hundred domains.

Ten records a report on average; names and addresses are as uneven as in life: few domains and reporters have most of
the reports, few addresses most of the mails, and there is a long tail of addresses seen once.
"""

from importlib.resources import files

import asyncpg

DAYS = 365
DOMAINS, REPORTERS, OWN_ADDRESSES, ALL_ADDRESSES = 300, 40, 40, 1_000_000
CHUNK = 50_000  # reports in one statement
SUMS = ("overview_domain", "overview_reporter", "overview_source", "overview_source_month")
FIRST = 1_000_000_000  # numbers that the sequence of documents never comes to here

MONTHS = """
SELECT make_record_partition(extract(year FROM month)::integer, extract(month FROM month)::integer)
FROM generate_series(date_trunc('month', now() - make_interval(days => $1)), now(), '1 month') AS month
WHERE to_regclass('record_' || to_char(month, 'YYYY_MM')) IS NULL
"""
MAILS = """
INSERT INTO mail (mail_id, mailbox_id, folder, uidvalidity, uid, subject, size, fetched_at, stored_at, settings_version,
    outcome, action, action_state)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'box', 'INBOX', 9, n, 'Report Domain', 5000, at, at, 1, 'imported', 'none',
    'none'
FROM (
    SELECT n, now() - $3 * interval '1 day' * ($2::bigint - n) / ($2::bigint - $1::bigint + 1) AS at
    FROM generate_series($1::bigint, $2::bigint) AS n
)
"""
REPORTS = """
INSERT INTO report (id, kind, mail_id, mailbox_id, org_name, report_id, domain, begin, "end", identity, fingerprint,
    variant, email, p, record_count, message_count, passed, quarantined, rejected, parser_version, stored_at)
SELECT n, 'aggregate', mail_id, 'box', 'reporter-' || who, n || '.' || who, 'd' || domain || '.example.com',
    begin, begin + interval '86399 seconds', sha256(int8send(n)), sha256(int8send(n)), false, 'dmarc@reporter.example',
    'reject', rows, rows * 5, rows * 3, rows, rows, '1', stored_at
FROM (
    SELECT uid AS n, mail_id, stored_at, date_trunc('day', stored_at) - interval '1 day' AS begin,
        floor($3 * random() ^ 2)::integer AS domain, floor($4 * random() ^ 3)::integer AS who,
        1 + floor(20 * random())::integer AS rows
    FROM mail WHERE uid BETWEEN $1 AND $2
)
"""
RECORDS = """
INSERT INTO record (report, begin, position, source_ip, count, disposition, dkim, spf, header_from, dkim_results,
    spf_results)
SELECT id, begin, n,
    CASE WHEN random() < 0.7
        THEN '10.0.0.0'::inet + 64 * substr(split_part(domain, '.', 1), 2)::integer + floor($3 * random() ^ 2)::bigint
        ELSE '172.16.0.0'::inet + floor($4 * random() ^ 4)::bigint END,
    1 + floor(9 * random() ^ 3), 'none', CASE WHEN random() < 0.8 THEN 'pass' ELSE 'fail' END,
    CASE WHEN random() < 0.6 THEN 'pass' ELSE 'fail' END, domain,
    '[{"domain": "d17.example.com", "selector": "s1", "result": "pass", "human_result": null}]',
    '[{"domain": "d17.example.com", "scope": "mfrom", "result": "pass", "human_result": null}]'
FROM report CROSS JOIN generate_series(0, record_count - 1) AS n
WHERE id BETWEEN $1 AND $2
"""


async def fill(database_url: str, *, since: int, until: int) -> None:
    """Adds reports number `since` to `until` - 1, brings the sums of the overview up to date, and tidies up."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(MONTHS.replace("$1", str(DAYS + 1)))
    await connection.execute("ALTER TABLE report DISABLE TRIGGER overview_takes")
    for first in range(FIRST + since, FIRST + until, CHUNK):
        last = min(first + CHUNK, FIRST + until) - 1
        await connection.execute(MAILS, first, last, DAYS)
        await connection.execute(REPORTS, first, last, DOMAINS, REPORTERS)
        await connection.execute(RECORDS, first, last, OWN_ADDRESSES, ALL_ADDRESSES)
    await connection.execute("ALTER TABLE report ENABLE TRIGGER overview_takes")
    await connection.execute(f"TRUNCATE overview_due, {', '.join(SUMS)}")
    migration = (files("pipeline.postgres.migrations") / "0040_overview.sql").read_text(encoding="utf-8")
    await connection.execute(migration.partition("-- What is stored already.")[2])
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
