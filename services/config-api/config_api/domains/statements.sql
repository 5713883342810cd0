-- The window of a domain are the 30 days that end with the last one reports speak of (`source_domain.last_day`).

-- name: domains
-- Domains with the sums of their windows, those with most messages first; only $5 where that is given.
SELECT source_domain.domain, source_domain.first_day, source_domain.last_day, sums.*, policy.p, policy.sp, policy.np, coalesce(policy.is_testing, false) AS is_testing
FROM source_domain
CROSS JOIN LATERAL (
    SELECT saturated(coalesce(sum(reports), 0)) AS reports, saturated(coalesce(sum(messages), 0)) AS messages,
        saturated(coalesce(sum(passed), 0)) AS passed, saturated(coalesce(sum(quarantined), 0)) AS quarantined,
        saturated(coalesce(sum(rejected), 0)) AS rejected,
        saturated(coalesce(sum(messages), 0) - coalesce(sum(passed), 0)) AS failed
    FROM overview_domain_now
    WHERE overview_domain_now.domain = source_domain.domain
        AND day BETWEEN source_domain.last_day - 29 AND source_domain.last_day
) AS sums
LEFT JOIN LATERAL (
    SELECT p, sp, np, testing = 'y' OR pct < 100 AS is_testing FROM report
    WHERE kind = 'aggregate' AND NOT variant AND report.domain = source_domain.domain
        AND begin < (source_domain.last_day + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY begin DESC, id DESC LIMIT 1
) AS policy ON true
WHERE ($1::text IS NULL OR strpos(source_domain.domain, lower($1)) > 0)
    AND ($5::text IS NULL OR source_domain.domain = $5)
    AND ($2::bigint IS NULL OR (-sums.messages, source_domain.domain) > ($2::bigint, $3::text))
ORDER BY -sums.messages, source_domain.domain
LIMIT $4;

-- name: verdicts
-- The sources of these domains ($1) by verdict.
SELECT domain, coalesce(verdict, 'unknown') AS verdict, count(*) AS sources, sum(messages) AS messages,
    sum(failed) AS failed
FROM source_verdict WHERE domain = ANY($1::text[]) AND messages > 0
GROUP BY domain, coalesce(verdict, 'unknown');

-- name: domain
-- When a domain ($1) was reported on.
SELECT domain, first_day, last_day FROM source_domain WHERE domain = $1;

-- name: days
-- The days of a domain ($1) from $2 to $3; DKIM and SPF as far as they are added up.
SELECT day, sum(reports) AS reports, sum(messages) AS messages, sum(passed) AS passed, sum(dkim) AS dkim,
    sum(spf) AS spf, sum(quarantined) AS quarantined, sum(rejected) AS rejected
FROM (
    SELECT day, reports, messages, passed, dkim, spf, quarantined, rejected
    FROM overview_domain WHERE domain = $1 AND day BETWEEN $2 AND $3
    UNION ALL
    SELECT day, 1, messages, passed, 0, 0, quarantined, rejected
    FROM overview_report_share
    WHERE report IN (SELECT report FROM overview_due) AND domain = $1 AND day BETWEEN $2 AND $3
) AS parts
GROUP BY day ORDER BY day;

-- name: policies
-- What a domain ($1) published from $2 to $3, as reporters saw it, the latest first.
SELECT p, sp, np, adkim, aspf, pct, fo, testing, min(begin) AS first_seen, max("end") AS last_seen,
    count(*) AS reports
FROM report
WHERE kind = 'aggregate' AND NOT variant AND domain = $1
    AND begin >= $2::date::timestamp AT TIME ZONE 'UTC' AND begin < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY p, sp, np, adkim, aspf, pct, fo, testing
ORDER BY max(begin) DESC, count(*) DESC LIMIT 50;

-- name: latest_policies
-- The policies in reports about a domain ($1) that begin on a day ($2) or later, of the last $3 days that were reported on;
-- the tags in the order of a record, null where a report says nothing.
SELECT lower(p) AS p, lower(sp) AS sp, lower(np) AS np, lower(adkim) AS adkim, lower(aspf) AS aspf,
    lower(testing) AS t, count(*) AS reports
FROM report
WHERE kind = 'aggregate' AND NOT variant AND domain = $1
    AND begin >= greatest($2::date, (SELECT last_day - $3::integer + 1 FROM source_domain WHERE domain = $1))::timestamp
        AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY count(*) DESC LIMIT 100;

-- name: reporters
-- Who reported on a domain ($1) from $2 to $3, those of most messages first; $4 of them.
SELECT org_name, sum(message_count) AS messages, sum(passed) AS passed, count(*) AS reports, max("end") AS last_end
FROM report
WHERE kind = 'aggregate' AND NOT variant AND domain = $1
    AND begin >= $2::date::timestamp AT TIME ZONE 'UTC' AND begin < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY org_name ORDER BY sum(message_count) DESC, org_name LIMIT $4;

-- name: names
-- From domains and signing domains with selectors that were seen in the name of a domain ($1) since $2.
SELECT mechanism, name, selector, bool_or(passed) AS passed, count(DISTINCT source_ip) AS addresses,
    min(first_day) AS first_day, max(last_day) AS last_day
FROM source_identity
WHERE domain = $1 AND last_day >= $2 AND (mechanism = 'from'
    OR mechanism = 'dkim' AND (name = $1 OR right(name, length($1) + 1) = '.' || $1))
GROUP BY mechanism, name, selector
ORDER BY mechanism, count(DISTINCT source_ip) DESC, name, selector LIMIT 200;

-- name: tls
-- TLS sessions to a domain ($1) from $2 to $3, by day.
SELECT (report.begin AT TIME ZONE 'UTC')::date AS day, saturated(sum(successful_sessions)) AS successful,
    saturated(sum(failed_sessions)) AS failed
FROM report JOIN tls_policy ON tls_policy.report = report.id
WHERE report.kind = 'tls' AND NOT variant AND domain = $1
    AND begin >= $2::date::timestamp AT TIME ZONE 'UTC' AND begin < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1 ORDER BY 1;

-- name: tls_failures
-- How TLS sessions to a domain ($1) failed from $2 to $3, the most frequent first.
SELECT tls_failure.result_type, tls_failure.receiving_mx_hostname AS receiver,
    saturated(sum(failed_session_count)) AS sessions
FROM report JOIN tls_failure ON tls_failure.report = report.id
WHERE report.kind = 'tls' AND NOT variant AND domain = $1
    AND begin >= $2::date::timestamp AT TIME ZONE 'UTC' AND begin < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2 ORDER BY sum(failed_session_count) DESC, 1, 2 LIMIT 20;

-- name: failure_reports
-- How many failure reports about a domain ($1) came from $2 to $3.
SELECT count(*) FROM report
WHERE kind = 'failure' AND domain = $1
    AND begin >= $2::date::timestamp AT TIME ZONE 'UTC' AND begin < ($3::date + 1)::timestamp AT TIME ZONE 'UTC';

-- name: seen
-- On how many days and by how many reporters a domain ($1) was reported on from $2 to $3.
SELECT count(DISTINCT (begin AT TIME ZONE 'UTC')::date) AS days, count(DISTINCT org_name) AS reporters
FROM report
WHERE kind = 'aggregate' AND NOT variant AND domain = $1
    AND begin >= $2::date::timestamp AT TIME ZONE 'UTC' AND begin < ($3::date + 1)::timestamp AT TIME ZONE 'UTC';

-- name: sums
-- The sources of a domain ($1) by what they are: those of a service together, others by themselves where they are its
-- owner's.
SELECT coalesce(verdict, 'unknown') AS verdict, source.service,
    CASE WHEN source.service IS NULL AND verdict IN ('aligned', 'misaligned') THEN host(source_ip) END AS source_ip,
    saturated(sum(messages)) AS messages, saturated(sum(failed)) AS failed
FROM source_verdict LEFT JOIN source USING (source_ip)
WHERE domain = $1 AND messages > 0
GROUP BY 1, 2, 3
ORDER BY sum(failed) DESC LIMIT 2000;

-- name: dns_asked
-- When the DNS of a domain ($1) was asked for last.
SELECT asked_at, problem FROM domain_dns_asked WHERE domain = $1;

-- name: dns_history
-- What DNS said of a domain ($1), the latest first; $2 of them.
SELECT first_at, last_at, found FROM domain_dns WHERE domain = $1 ORDER BY id DESC LIMIT $2;

-- name: dns_question
-- What a fetcher is asked about a domain ($1).
SELECT dns_question($1);

-- name: keep_dns
-- Keeps what was found ($2) of a domain ($1), or why nothing was ($3).
SELECT keep_domain_dns($1, $2::jsonb, $3);
