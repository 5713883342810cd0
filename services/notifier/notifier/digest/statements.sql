-- name: domains
-- What reports say about domains from $1 to $2, and from $3 to $4 before; $5: only these domains, null for all.
SELECT domain,
    saturated(coalesce(sum(reports) FILTER (WHERE day >= $1), 0)) AS reports,
    saturated(coalesce(sum(messages) FILTER (WHERE day >= $1), 0)) AS messages,
    saturated(coalesce(sum(passed) FILTER (WHERE day >= $1), 0)) AS passed,
    saturated(coalesce(sum(quarantined + rejected) FILTER (WHERE day >= $1), 0)) AS blocked,
    saturated(coalesce(sum(messages) FILTER (WHERE day <= $4), 0)) AS messages_before,
    saturated(coalesce(sum(passed) FILTER (WHERE day <= $4), 0)) AS passed_before,
    saturated(coalesce(sum(reports) FILTER (WHERE day <= $4), 0)) AS reports_before
FROM notify_domain
WHERE day BETWEEN $3 AND $2 AND ($5::text[] IS NULL OR domain = ANY($5))
GROUP BY domain
ORDER BY messages DESC, domain
LIMIT 200

-- name: sources
-- The addresses with most failing messages from $1 to $2; `is_new` where none came since $3.
SELECT domain, host(seen.source_ip) AS address, coalesce(min(known.service), '') AS service,
    coalesce(min(known.place), '') AS place,
    saturated(coalesce(sum(messages) FILTER (WHERE day >= $1), 0)) AS messages,
    saturated(coalesce(sum(messages - passed) FILTER (WHERE day >= $1), 0)) AS failed,
    min(day) >= $1 AS is_new
FROM notify_source AS seen LEFT JOIN notify_source_name AS known ON known.source_ip = seen.source_ip
WHERE day BETWEEN $3 AND $2 AND ($4::text[] IS NULL OR domain = ANY($4))
GROUP BY domain, seen.source_ip
HAVING sum(messages - passed) FILTER (WHERE day >= $1) > 0
ORDER BY failed DESC, domain, seen.source_ip
LIMIT 20

-- name: reporters
-- Who sent reports about the days from $1 to $2.
SELECT org_name AS name, sum(reports)::bigint AS reports, saturated(sum(messages)) AS messages
FROM notify_reporter
WHERE day BETWEEN $1 AND $2
GROUP BY org_name
ORDER BY reports DESC, name
LIMIT 10

-- name: reporter_count
-- How many of them.
SELECT count(DISTINCT org_name) FROM notify_reporter WHERE day BETWEEN $1 AND $2

-- name: outcomes
-- How the mails that were stored from $1 to before $2 ended.
SELECT outcome, count(*) AS mails FROM notify_mail WHERE stored_at >= $1 AND stored_at < $2 GROUP BY outcome

-- name: alerts
-- What needs attention: what is open, and what was opened since $1, the most urgent first.
SELECT title, detail, link, urgency, opened_at, resolved_at
FROM notify_alert
WHERE (resolved_at IS NULL OR opened_at >= $1) AND rule <> 'settings_changed'
    AND ($2::text[] IS NULL OR domain IS NULL OR domain = ANY($2))
ORDER BY resolved_at IS NOT NULL, urgency = 'critical' DESC, urgency = 'warning' DESC, opened_at DESC
LIMIT 30
