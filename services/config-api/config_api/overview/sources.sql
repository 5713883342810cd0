-- Who sent the messages of a period of days, $1 to $2, those with most messages first. An address that is none is
-- 0.0.0.0/0. Addresses are very many, and nearly all of them sent next to nothing.

-- name: likely
-- Addresses with many messages: the first $2 of that month, among $1, whose first $2 have most.
SELECT source_ip::text AS source_ip
FROM (
    SELECT month
    FROM unnest($1::date[]) AS month
    CROSS JOIN LATERAL (
        SELECT most FROM overview_source_month
        WHERE overview_source_month.month = month.month
        ORDER BY most DESC OFFSET $2::integer - 1 LIMIT 1
    ) AS lowest
    ORDER BY lowest.most DESC
    LIMIT 1
) AS best
CROSS JOIN LATERAL (
    SELECT source_ip FROM overview_source_month WHERE month = best.month ORDER BY most DESC LIMIT $2
) AS first;

-- name: least
-- The least that one of the addresses $3 has in the period, which is whole months $4 and single days $5.
WITH due AS MATERIALIZED (
    SELECT source_ip, sum(messages) AS messages
    FROM overview_record_share
    WHERE report IN (SELECT report FROM overview_due) AND day BETWEEN $1 AND $2 AND source_ip = ANY($3::text[]::inet[])
    GROUP BY source_ip
)
SELECT min(
    coalesce((
        SELECT sum(messages) FROM overview_source_month
        WHERE month = ANY($4::date[]) AND overview_source_month.source_ip = likely.source_ip
    ), 0) + coalesce((
        SELECT sum(messages) FROM overview_source
        WHERE day = ANY($5::date[]) AND overview_source.source_ip = likely.source_ip
    ), 0) + coalesce((SELECT messages FROM due WHERE due.source_ip = likely.source_ip), 0))
FROM unnest($3::text[]::inet[]) AS likely (source_ip);

-- name: possible
-- Addresses that may have $4 messages or more in the period, which is in the months $3; $5 of them at most. Who has so
-- many has its share of them in one of the months, or in what is not in any sum yet.
WITH due AS MATERIALIZED (
    SELECT source_ip, sum(greatest(messages, 0)) AS most
    FROM overview_record_share
    WHERE report IN (SELECT report FROM overview_due) AND day BETWEEN $1 AND $2
    GROUP BY source_ip
), heavy AS MATERIALIZED (
    SELECT source_ip FROM overview_source_month
    WHERE month = ANY($3::date[]) AND most >= $4::numeric / (cardinality($3::date[]) + 1)
    UNION
    SELECT source_ip FROM due WHERE most >= $4::numeric / (cardinality($3::date[]) + 1)
    LIMIT $5
)
SELECT source_ip::text AS source_ip,
    coalesce((
        SELECT sum(most) FROM overview_source_month
        WHERE month = ANY($3::date[]) AND overview_source_month.source_ip = heavy.source_ip
    ), 0) + coalesce((SELECT most FROM due WHERE due.source_ip = heavy.source_ip), 0) >= $4 AS is_possible
FROM heavy;

-- name: of_addresses
-- Of these addresses, $3, the first $4. `header_from` is one of the domains it sent for.
WITH part AS (
    SELECT source_ip, domain, messages, passed, header_from
    FROM overview_source
    WHERE day = ANY(ARRAY(SELECT generate_series($1::date::timestamp, $2::date, '1 day')::date))
        AND source_ip = ANY($3::text[]::inet[])
    UNION ALL
    SELECT source_ip, domain, messages, passed, header_from
    FROM overview_record_share
    WHERE report IN (SELECT report FROM overview_due) AND day BETWEEN $1 AND $2 AND source_ip = ANY($3::text[]::inet[])
)
SELECT host(nullif(source_ip, '0.0.0.0/0')) AS source_ip, sum(messages) AS messages, sum(passed) AS passed,
    count(DISTINCT domain) AS domains, min(header_from) AS header_from
FROM part
GROUP BY part.source_ip
ORDER BY messages DESC, part.source_ip
LIMIT $4;

-- name: first
-- Of all addresses, in a domain and a mailbox, the first $5. What is only shown of these is looked up for them alone,
-- day by day.
WITH top AS (
    SELECT source_ip, sum(messages) AS messages
    FROM overview_source_now
    WHERE day BETWEEN $1 AND $2
        AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4)
    GROUP BY source_ip
    ORDER BY messages DESC, source_ip
    LIMIT $5
), parts AS (
    SELECT part.source_ip, part.mailbox_id, part.domain, part.passed, part.header_from
    FROM top
    CROSS JOIN generate_series($1::date::timestamp, $2::date, '1 day') AS midnight
    JOIN overview_source AS part ON part.day = midnight::date AND part.source_ip = top.source_ip
    UNION ALL
    SELECT source_ip, mailbox_id, domain, passed, header_from
    FROM overview_record_share
    WHERE report IN (SELECT report FROM overview_due) AND day BETWEEN $1 AND $2
        AND source_ip IN (SELECT source_ip FROM top)
)
SELECT host(nullif(top.source_ip, '0.0.0.0/0')) AS source_ip, top.messages, sum(parts.passed) AS passed,
    count(DISTINCT parts.domain) AS domains, min(parts.header_from) AS header_from
FROM top JOIN parts USING (source_ip)
WHERE ($3::text IS NULL OR parts.domain = lower($3)) AND ($4::text IS NULL OR parts.mailbox_id = $4)
GROUP BY top.source_ip, top.messages
ORDER BY top.messages DESC, top.source_ip;
