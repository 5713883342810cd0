-- name: mailboxes
-- The mailboxes and how the looks into them ended.
SELECT mailbox.id, mailbox.name, mailbox.enabled, mailbox.dry_run, mailbox.poll_minutes,
    mailbox.updated_at AS changed_at, run.last_at, coalesce(run.category, 'ok') AS category,
    coalesce(run.detail, '') AS detail, run.good_at, run.failing_since
FROM notify_mailbox AS mailbox
LEFT JOIN notify_mailbox_run AS run ON run.mailbox_id = mailbox.id

-- name: refused_actions
-- What servers refused to do since $1.
SELECT mailbox_id, action, reason, count(*) AS mails
FROM notify_action
WHERE acted_at > $1
GROUP BY mailbox_id, action, reason

-- name: failed_mails
-- Mails that failed since $1, by reason.
SELECT reason, count(*) AS mails
FROM notify_mail
WHERE stored_at > $1 AND outcome = 'failed'
GROUP BY reason

-- name: changes
-- Changes of settings since $1; to mute is none.
SELECT id, mailbox_id, text, at FROM notify_setting WHERE at > $1 AND name NOT IN ('muted', 'unmuted') ORDER BY at DESC LIMIT 100

-- name: domain_days
-- Every domain's days since $1.
SELECT day, domain, reports, messages, passed FROM notify_domain WHERE day > $1 ORDER BY domain, day LIMIT 200000

-- name: sources
-- Addresses with failures since the week began ($2), the worst first, and services of several addresses (address '').
-- $1: all that is looked at; $3: what is late.
SELECT domain, coalesce(host(seen.source_ip), '') AS address, coalesce(known.service, '') AS service,
    coalesce(min(known.place), '') AS place, min(day) AS first_day,
    saturated(coalesce(sum(messages) FILTER (WHERE day > $2), 0)) AS week,
    saturated(coalesce(sum(passed) FILTER (WHERE day > $2), 0)) AS week_passed,
    saturated(coalesce(sum(messages) FILTER (WHERE day > $3), 0)) AS late,
    saturated(coalesce(sum(passed) FILTER (WHERE day > $3), 0)) AS late_passed,
    saturated(coalesce(sum(messages) FILTER (WHERE day <= $2), 0)) AS before,
    saturated(coalesce(sum(passed) FILTER (WHERE day <= $2), 0)) AS before_passed
FROM notify_source AS seen LEFT JOIN notify_source_name AS known ON known.source_ip = seen.source_ip
WHERE day > $1
GROUP BY GROUPING SETS ((domain, seen.source_ip, known.service), (domain, known.service))
HAVING sum(messages - passed) FILTER (WHERE day > $2) > 0
    AND (grouping(seen.source_ip) = 0 OR known.service IS NOT NULL AND min(seen.source_ip) < max(seen.source_ip))
ORDER BY sum(messages - passed) FILTER (WHERE day > $2) DESC
LIMIT 5000

-- name: signatures
-- Known addresses, and services of several, whose messages came without an aligned signature of late (since $2), looked
-- at since $1.
SELECT domain, coalesce(host(seen.source_ip), '') AS address, coalesce(known.service, '') AS service,
    coalesce(min(known.place), '') AS place, min(begin)::date AS first_day,
    saturated(coalesce(sum(count) FILTER (WHERE begin >= $2), 0)) AS late,
    saturated(coalesce(sum(count) FILTER (WHERE begin >= $2 AND dkim = 'pass'), 0)) AS late_signed,
    saturated(coalesce(sum(count) FILTER (WHERE begin < $2), 0)) AS before,
    saturated(coalesce(sum(count) FILTER (WHERE begin < $2 AND dkim = 'pass'), 0)) AS before_signed
FROM notify_signature AS seen LEFT JOIN notify_source_name AS known ON known.source_ip = seen.source_ip
WHERE begin >= $1
GROUP BY GROUPING SETS ((domain, seen.source_ip, known.service), (domain, known.service))
HAVING (grouping(seen.source_ip) = 0 OR known.service IS NOT NULL AND min(seen.source_ip) < max(seen.source_ip))
    AND sum(count) FILTER (WHERE begin >= $2 AND dkim IS DISTINCT FROM 'pass') > 0
    AND sum(count) FILTER (WHERE begin < $2 AND dkim = 'pass') > 0
ORDER BY sum(count) FILTER (WHERE begin >= $2 AND dkim IS DISTINCT FROM 'pass') DESC
LIMIT 5000

-- name: policies
-- Which policies were seen since $1, by day.
SELECT (begin AT TIME ZONE 'UTC')::date AS day, domain, nullif(lower(p), '') AS p, nullif(lower(sp), '') AS sp,
    lower(np) AS np, lower(adkim) AS adkim, lower(aspf) AS aspf, lower(testing) AS t, count(*) AS reports,
    min(org_name) AS reporter
FROM notify_policy
WHERE begin >= $1
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
LIMIT 100000

-- name: dns
-- The DMARC record of each domain, where DNS was heard since $1.
SELECT domain, name, texts, first_at FROM notify_dns WHERE last_at >= $1

-- name: reporters
-- On how many days since $1 each reporter was heard.
SELECT org_name AS name, count(*) AS days, max(day) AS last_day FROM notify_reporter WHERE day > $1 GROUP BY org_name

-- name: tls
-- TLS sessions since $1.
SELECT domain, saturated(sum(successful_sessions)) AS succeeded, saturated(sum(failed_sessions)) AS failed
FROM notify_tls
WHERE begin >= $1
GROUP BY domain

-- name: channels
-- Every channel.
SELECT id, settings, secret, created_at, updated_at FROM notify_channel ORDER BY id

-- name: channel
-- One channel.
SELECT id, settings, secret, created_at, updated_at FROM notify_channel WHERE id = $1

-- name: rules
-- What somebody set of rules.
SELECT rule, settings FROM notify_rule

-- name: mutes
-- What is muted at $1.
SELECT rule, subject FROM notify_mute WHERE until IS NULL OR until > $1

-- name: lock_alerts
-- One notifier at a time judges.
SELECT pg_advisory_xact_lock(x'646D616E'::integer)

-- name: open_alerts
-- The open alerts of these rules.
SELECT id, rule, subject, domain, urgency, title, detail, link, count, muted, opened_at, last_at
FROM notify_alert
WHERE resolved_at IS NULL AND rule = ANY($1::text[])

-- name: known_subjects
-- Which of these subjects a rule ever had an alert about.
SELECT subject FROM notify_alert WHERE rule = $1 AND subject = ANY($2::text[])

-- name: insert_alert
-- A new alert.
INSERT INTO notify_alert
    (rule, subject, domain, urgency, title, detail, link, count, muted, opened_at, last_at, resolved_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
RETURNING id

-- name: update_alert
-- What an open alert says now.
UPDATE notify_alert SET title = $2, detail = $3, link = $4, count = $5, last_at = $6 WHERE id = $1

-- name: resolve_alert
-- It no longer holds.
UPDATE notify_alert SET resolved_at = $2 WHERE id = $1

-- name: insert_delivery
-- Something that must reach a channel, once.
INSERT INTO notify_delivery (channel_id, kind, key, alert, payload, state, due_at, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (channel_id, key) DO NOTHING

-- name: drop_unsent
-- An alert that is over before anybody was told of it.
UPDATE notify_delivery SET state = 'dropped', detail = 'it was over before it was sent'
WHERE alert = $1 AND kind = 'alert' AND state = 'waiting' AND attempts = 0
RETURNING channel_id

-- name: told_channels
-- Who was told of the alert, or is about to be.
SELECT channel_id FROM notify_delivery WHERE alert = $1 AND kind = 'alert' AND state <> 'dropped'

-- name: due_channels
-- The channels that something is due for at $1, the longest first.
SELECT delivery.channel_id AS id, min(delivery.due_at) AS since
FROM notify_delivery AS delivery
JOIN notify_channel AS channel ON channel.id = delivery.channel_id
WHERE coalesce((channel.settings->>'enabled')::boolean, true)
    AND (delivery.state = 'waiting' AND delivery.due_at <= $1 OR delivery.state = 'sending' AND delivery.lease_until < $1)
GROUP BY delivery.channel_id
ORDER BY since

-- name: lock_channel
-- One sender at a time chooses for a channel.
SELECT pg_try_advisory_xact_lock(x'646D6163'::integer, hashtext($1))

-- name: attempts
-- Sendings to a channel since $2.
SELECT count(*) FROM notify_attempt WHERE channel_id = $1 AND at > $2

-- name: due_deliveries
-- What is due for the channel at $2, the longest first.
SELECT id, kind, batch FROM notify_delivery
WHERE channel_id = $1 AND (state = 'waiting' AND due_at <= $2 OR state = 'sending' AND lease_until < $2)
ORDER BY due_at, id
LIMIT $3

-- name: batch_ids
-- The unfinished deliveries that belong to a batch.
SELECT id FROM notify_delivery WHERE batch = $1 AND state IN ('waiting', 'sending') ORDER BY id

-- name: lease
-- These are being sent now, together.
UPDATE notify_delivery
SET state = 'sending', lease_until = $2, batch = $3, attempts = attempts + 1, first_at = coalesce(first_at, $4)
WHERE id = ANY($1::bigint[])
RETURNING id, kind, key, payload, attempts, first_at, created_at, lease_until

-- name: insert_attempt
-- A sending was begun.
INSERT INTO notify_attempt (channel_id, at) VALUES ($1, $2)

-- name: settle
-- What became of those that were being sent under this lease.
UPDATE notify_delivery
SET state = $3, detail = $4, sent_at = CASE WHEN $3 = 'sent' THEN $5::timestamptz END,
    due_at = coalesce($6, due_at), lease_until = NULL
WHERE id = ANY($1::bigint[]) AND state = 'sending' AND lease_until = $2
RETURNING id

-- name: backlog
-- How many wait, how many are dead, and since when the longest is due.
SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')) AS waiting, count(*) FILTER (WHERE state = 'dead') AS dead,
    coalesce(extract(epoch FROM $1 - min(due_at) FILTER (WHERE state IN ('waiting', 'sending') AND due_at <= $1)), 0)::float
        AS overdue_seconds
FROM notify_delivery

-- name: forget_deliveries
-- Deliveries that ended before $1.
DELETE FROM notify_delivery WHERE id IN (
    SELECT id FROM notify_delivery WHERE created_at < $1 AND state IN ('sent', 'dropped', 'dead') LIMIT 1000
)

-- name: forget_attempts
-- Sendings before $1.
DELETE FROM notify_attempt WHERE at < $1

-- name: forget_alerts
-- Alerts that were resolved before $1.
DELETE FROM notify_alert WHERE id IN (SELECT id FROM notify_alert WHERE resolved_at < $1 LIMIT 1000)

-- name: drop_for_disabled
-- What waits for a channel that is switched off since before $1.
UPDATE notify_delivery AS delivery SET state = 'dropped', detail = 'the channel is switched off'
FROM notify_channel AS channel
WHERE channel.id = delivery.channel_id AND NOT coalesce((channel.settings->>'enabled')::boolean, true)
    AND delivery.state = 'waiting' AND delivery.created_at < $1
