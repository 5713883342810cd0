"""A database with as many reports as wanted, made by PostgreSQL itself: a year of some hundred domains.

Ten records a report on average; names and addresses are as uneven as in life: few domains and reporters have most of
the reports, few addresses most of the messages, and there is a long tail of addresses seen once. Of that tail some hand
on mail, some belong to services that do not sign as the domain, and half is nobody's.

Rows and sums are made by whole sets, without triggers and with indexes built at the end: a million reports take
minutes.
What the parser's chores do behind storing (names, verdicts) is left to them.
"""

import asyncpg

DAYS = 365
DOMAINS, REPORTERS, OWN_ADDRESSES, ALL_ADDRESSES = 300, 40, 40, 1_000_000
CHUNK = 100_000  # reports in one statement
FIRST = 1_000_000_000  # numbers that the sequence of documents never comes to here
SUMS = ("overview_domain", "overview_reporter", "overview_source", "overview_source_month")
FILLED = ("mail", "report", "record", "source", "source_identity", *SUMS)
SERVICES = ("u1.wl.sendgrid.net", "amazonses.com", "mailgun.org", "mcsv.net", "zendesk.com", "hubspotemail.net")

SETTINGS = """
SET session_replication_role = replica; SET work_mem = '512MB'; SET maintenance_work_mem = '1GB';
SET max_parallel_workers_per_gather = 1; SET synchronous_commit = off
"""
MONTHS = """
SELECT make_record_partition(extract(year FROM month)::integer, extract(month FROM month)::integer)
FROM generate_series(date_trunc('month', now() - interval '{days} days'), now(), '1 month') AS month
WHERE to_regclass('record_' || to_char(month, 'YYYY_MM')) IS NULL
"""
INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indrelid = ANY($1::text[]::regclass[]) AND NOT indisunique
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
# An address by its number: of 10 of the tail, 0 forwards, 1 to 4 are of a service, the others nobody's. An own address
# in 10 does not sign.
RECORDS = """
INSERT INTO record (report, begin, position, source_ip, count, disposition, dkim, spf, header_from, reasons,
    dkim_results, spf_results)
SELECT id, begin, n, source_ip, 1 + floor(9 * luck ^ 3), CASE WHEN 'pass' IN (dkim, spf) THEN 'none' ELSE 'reject' END,
    dkim, spf, domain, CASE WHEN NOT own AND number % 10 = 0 THEN '[{"type": "forwarded", "comment": null}]'::jsonb END,
    CASE dkim WHEN 'pass' THEN jsonb_build_array(jsonb_build_object('domain', domain, 'selector', 's1', 'result', dkim,
        'human_result', null)) END,
    jsonb_build_array(jsonb_build_object('domain', CASE WHEN own THEN domain ELSE envelope END, 'scope', 'mfrom',
        'result', CASE WHEN own OR number % 10 BETWEEN 1 AND 4 THEN 'pass' ELSE 'fail' END, 'human_result', null))
FROM (
    SELECT *,
        CASE WHEN own THEN '10.0.0.0'::inet + 64 * substr(split_part(domain, '.', 1), 2)::integer + number
            ELSE '172.16.0.0'::inet + number END AS source_ip,
        CASE WHEN own AND number % 10 < 9 AND luck < 0.9 OR NOT own AND number % 10 = 0 THEN 'pass' ELSE 'fail' END
            AS dkim,
        CASE WHEN own AND luck < 0.7 THEN 'pass' ELSE 'fail' END AS spf,
        coalesce(($5::text[])[1 + number / 10 % 10], 'spam.example') AS envelope
    FROM (
        SELECT id, begin, domain, n, own,
            CASE WHEN own THEN floor($3 * chance ^ 2) ELSE floor($4 * chance ^ 4) END::bigint AS number, luck
        FROM (
            SELECT id, begin, domain, n, random() < 0.7 AS own, random() AS chance, random() AS luck
            FROM report CROSS JOIN generate_series(0, record_count - 1) AS n
            WHERE id BETWEEN $1 AND $2
        )
    )
)
"""
ADD_UP = (
    """
    INSERT INTO overview_source
    SELECT day, mailbox_id, domain, source_ip, sum(messages), sum(passed), min(header_from), sum(dkim), sum(spf),
        sum(quarantined), sum(rejected), sum(overridden)
    FROM overview_record_share WHERE report NOT IN (SELECT report FROM overview_due)
    GROUP BY day, mailbox_id, domain, source_ip ORDER BY domain, day
    """,
    """
    INSERT INTO overview_source_month
    SELECT date_trunc('month', day::timestamp)::date, source_ip, sum(messages), sum(messages)
    FROM overview_source GROUP BY 1, 2 ORDER BY 1, 2
    """,
    """
    INSERT INTO overview_domain
    SELECT day, mailbox_id, domain, count(*), sum(messages), sum(passed), sum(quarantined), sum(rejected),
        max(last_end), coalesce(max(dkim), 0), coalesce(max(spf), 0)
    FROM overview_report_share LEFT JOIN (
        SELECT day, mailbox_id, domain, sum(dkim) AS dkim, sum(spf) AS spf FROM overview_source GROUP BY 1, 2, 3
    ) AS more USING (day, mailbox_id, domain)
    GROUP BY day, mailbox_id, domain
    """,
    """
    INSERT INTO overview_reporter
    SELECT day, mailbox_id, org_name, count(*), sum(messages), sum(passed), max(last_end)
    FROM overview_report_share GROUP BY day, mailbox_id, org_name
    """,
    """
    INSERT INTO source_domain AS known (domain, first_day, last_day)
    SELECT domain, min(day), max(day) FROM overview_domain GROUP BY domain
    ON CONFLICT (domain) DO UPDATE SET due = true, first_day = excluded.first_day, last_day = excluded.last_day
    """,
    """
    INSERT INTO source (source_ip, first_day, last_day)
    SELECT source_ip, min(day), max(day) FROM overview_source GROUP BY source_ip ORDER BY source_ip
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO source_identity (source_ip, domain, mechanism, name, selector, passed, first_day, last_day)
    SELECT source_ip, domain, mechanism, name, CASE mechanism WHEN 'dkim' THEN 's1' ELSE '' END, true, first_day,
        last_day
    FROM (
        SELECT source_ip, domain, min(day) AS first_day, max(day) AS last_day, sum(dkim) > 0 AS is_signed,
            source_ip << '10.0.0.0/8' AS own, source_ip - '172.16.0.0'::inet AS number
        FROM overview_source
        WHERE source_ip << '10.0.0.0/8' OR source_ip << '172.16.0.0/12'
        GROUP BY source_ip, domain ORDER BY source_ip, domain
    ) AS pairs
    CROSS JOIN LATERAL (
        SELECT 'dkim' AS mechanism, domain AS name WHERE is_signed
        UNION ALL SELECT 'spf', domain WHERE own
        UNION ALL SELECT 'spf', coalesce(({services}::text[])[1 + number / 10 % 10], 'spam.example')
            WHERE NOT own AND number % 10 BETWEEN 1 AND 4
    ) AS names
    ON CONFLICT DO NOTHING
    """,
)


async def fill(database_url: str, *, since: int, until: int) -> None:
    """Adds reports number `since` to `until` - 1, brings the sums of overview and sources up to date, and tidies up."""
    connection = await asyncpg.connect(database_url, command_timeout=3600)
    await connection.execute(MONTHS.format(days=DAYS + 1))
    await connection.execute(SETTINGS)
    indexes = await connection.fetch(INDEXES, list(FILLED))
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    for first in range(FIRST + since, FIRST + until, CHUNK):
        last = min(first + CHUNK, FIRST + until) - 1
        await connection.execute(MAILS, first, last, DAYS)
        await connection.execute(REPORTS, first, last, DOMAINS, REPORTERS)
        await connection.execute(RECORDS, first, last, OWN_ADDRESSES, ALL_ADDRESSES, list(SERVICES))
    await connection.execute(f"TRUNCATE {', '.join(SUMS)}")
    names = "ARRAY[" + ", ".join(f"'{name}'" for name in SERVICES) + "]"
    for statement in ADD_UP:
        await connection.execute(statement.replace("{services}", names))
    for index in indexes:
        await connection.execute(index["definition"].replace(" ON ONLY ", " ON "))  # in all partitions
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
