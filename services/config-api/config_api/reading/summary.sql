-- name: totals
-- Aggregate reports that begin in a period; variants of a report count once.
SELECT count(*) AS reports, sum(message_count) AS messages, sum(passed) AS passed, sum(quarantined) AS quarantined,
    sum(rejected) AS rejected
FROM report
WHERE kind = 'aggregate' AND NOT variant AND begin >= $1 AND begin < $2
    AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4);

-- name: mails
-- Mails that ended in a period.
SELECT count(*) AS mails, count(*) FILTER (WHERE outcome = 'failed') AS mails_failed
FROM mail
WHERE stored_at >= $1 AND stored_at < $2 AND ($3::text IS NULL OR mailbox_id = $3);

-- name: days
-- By the day (UTC) on which the report begins; days without a report are not there.
SELECT (begin AT TIME ZONE 'UTC')::date AS day, sum(message_count) AS messages, sum(passed) AS passed,
    sum(quarantined) AS quarantined, sum(rejected) AS rejected, count(*) AS reports
FROM report
WHERE kind = 'aggregate' AND NOT variant AND begin >= $1 AND begin < $2
    AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4)
GROUP BY day
ORDER BY day;

-- name: domains
-- By policy domain, those with most mails first.
SELECT domain, sum(message_count) AS messages, sum(passed) AS passed, sum(quarantined) AS quarantined,
    sum(rejected) AS rejected, count(*) AS reports, max("end") AS last_end,
    (array_agg(p ORDER BY begin DESC))[1] AS policy
FROM report
WHERE kind = 'aggregate' AND NOT variant AND begin >= $1 AND begin < $2
    AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4)
GROUP BY domain
ORDER BY messages DESC, domain
LIMIT $5;

-- name: reporters
-- By who sent the reports.
SELECT org_name, sum(message_count) AS messages, sum(passed) AS passed, count(*) AS reports, max("end") AS last_end
FROM report
WHERE kind = 'aggregate' AND NOT variant AND begin >= $1 AND begin < $2
    AND ($3::text IS NULL OR domain = lower($3)) AND ($4::text IS NULL OR mailbox_id = $4)
GROUP BY org_name
ORDER BY messages DESC, org_name
LIMIT $5;

-- name: sources
-- By the address that sent the mails; `header_from` is one of the domains it sent for.
SELECT host(record.source_ip) AS source_ip, sum(record.count) AS messages,
    sum(record.count) FILTER (WHERE record.dkim = 'pass' OR record.spf = 'pass') AS passed,
    count(DISTINCT report.domain) AS domains, min(record.header_from) AS header_from
FROM report
JOIN record ON record.report = report.id AND record.begin = report.begin
WHERE report.kind = 'aggregate' AND NOT report.variant AND report.begin >= $1 AND report.begin < $2
    AND record.begin >= $1 AND record.begin < $2
    AND ($3::text IS NULL OR report.domain = lower($3)) AND ($4::text IS NULL OR report.mailbox_id = $4)
GROUP BY record.source_ip
ORDER BY messages DESC, source_ip
LIMIT $5;
