-- The period is in days, from $1 to $2. All but `reporters_of_domain` read the sums that the triggers on `report` keep.

-- name: totals
-- Aggregate reports that begin in a period; variants of a report count once.
SELECT sum(reports) AS reports, sum(messages) AS messages, sum(passed) AS passed, sum(quarantined) AS quarantined,
    sum(rejected) AS rejected
FROM overview_domain_now
WHERE day BETWEEN $1 AND $2
    AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4);

-- name: mails
-- Mails that ended in a period.
SELECT count(*) AS mails, count(*) FILTER (WHERE outcome = 'failed') AS mails_failed
FROM mail
WHERE stored_at >= $1::date::timestamp AT TIME ZONE 'UTC' AND stored_at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
    AND ($3::text IS NULL OR mailbox_id = $3);

-- name: days
-- By the day (UTC) on which the report begins; days without a report are not there.
SELECT day, sum(messages) AS messages, sum(passed) AS passed, sum(quarantined) AS quarantined,
    sum(rejected) AS rejected, sum(reports) AS reports
FROM overview_domain_now
WHERE day BETWEEN $1 AND $2
    AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4)
GROUP BY day
ORDER BY day;

-- name: domains
-- By policy domain, those with most mails first.
WITH top AS (
    SELECT domain, sum(messages) AS messages, sum(passed) AS passed, sum(quarantined) AS quarantined,
        sum(rejected) AS rejected, sum(reports) AS reports, max(last_end) AS last_end
    FROM overview_domain_now
    WHERE day BETWEEN $1 AND $2
        AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4)
    GROUP BY domain
    ORDER BY messages DESC, domain
    LIMIT $5
)
SELECT top.*, last.p AS policy
FROM top LEFT JOIN LATERAL (
    SELECT p FROM report
    WHERE kind = 'aggregate' AND NOT variant AND domain = top.domain
        AND begin >= $1::date::timestamp AT TIME ZONE 'UTC' AND begin < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
        AND ($4::text IS NULL OR mailbox_id = $4)
    ORDER BY begin DESC, id DESC
    LIMIT 1
) AS last ON true
ORDER BY messages DESC, domain;

-- name: reporters
-- By who sent the reports.
SELECT org_name, sum(messages) AS messages, sum(passed) AS passed, sum(reports) AS reports, max(last_end) AS last_end
FROM overview_reporter_now
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR mailbox_id = $3)
GROUP BY org_name
ORDER BY messages DESC, org_name
LIMIT $4;

-- name: reporters_of_domain
-- By who sent the reports about one domain: an index has them together.
SELECT org_name, sum(message_count) AS messages, sum(passed) AS passed, count(*) AS reports, max("end") AS last_end
FROM report
WHERE kind = 'aggregate' AND NOT variant AND domain = lower($3)
    AND begin >= $1::date::timestamp AT TIME ZONE 'UTC' AND begin < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
    AND ($4::text IS NULL OR mailbox_id = $4)
GROUP BY org_name
ORDER BY messages DESC, org_name
LIMIT $5;

-- name: sources
-- By the address that sent the mails; `header_from` is one of the domains it sent for. Addresses are many: what is only
-- shown of the first ones is looked up for these alone, day by day.
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
