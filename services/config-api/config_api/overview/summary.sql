-- The period is in days, from $1 to $2 (but for `span`). All but `reporters_of_domain` read the sums that the triggers on `report` keep.

-- name: totals
-- Aggregate reports that begin in a period; variants of a report count once.
SELECT sum(reports) AS reports, sum(messages) AS messages, sum(passed) AS passed, sum(quarantined) AS quarantined,
    sum(rejected) AS rejected
FROM overview_domain_now
WHERE day BETWEEN $1 AND $2
    AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4);

-- name: span
-- The first and the last day that there are reports of, of a domain ($1) or of all; no day that is still to come.
SELECT min(day) AS first, max(day) AS last FROM overview_domain_now
WHERE ($1::text IS NULL OR domain = lower($1)) AND day <= (now() AT TIME ZONE 'UTC')::date;

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
