-- name: channels
-- Every channel ($1 null) or one, by name, with how its sendings go.
SELECT channel.id, channel.settings, channel.secret, channel.created_at, channel.updated_at,
    told.last_sent_at, coalesce(told.waiting, 0) AS waiting, coalesce(told.dead, 0) AS dead,
    coalesce(told.last_error, '') AS last_error
FROM notify_channel AS channel
LEFT JOIN LATERAL (
    SELECT max(sent_at) AS last_sent_at, count(*) FILTER (WHERE state IN ('waiting', 'sending')) AS waiting,
        count(*) FILTER (WHERE state = 'dead') AS dead,
        max(detail) FILTER (WHERE state = 'dead' OR state = 'waiting' AND attempts > 0) AS last_error
    FROM notify_delivery WHERE channel_id = channel.id
) AS told ON true
WHERE $1::text IS NULL OR channel.id = $1
ORDER BY lower(channel.settings->>'name'), channel.id

-- name: locked_channel
-- One channel, to be changed.
SELECT id, settings, secret, created_at, updated_at FROM notify_channel WHERE id = $1 FOR UPDATE

-- name: channel_ids
-- The ids that are taken.
SELECT id FROM notify_channel

-- name: insert_channel
-- A new channel, unless the id is taken.
INSERT INTO notify_channel (id, settings, secret) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING RETURNING id

-- name: update_channel
-- Other settings, and secrets that belong to them.
UPDATE notify_channel SET settings = $2, secret = $3, updated_at = now() WHERE id = $1

-- name: reseal_channel
-- The same secrets under another key.
UPDATE notify_channel SET secret = $2 WHERE id = $1

-- name: delete_channel
-- Away with it, and with what waits for it.
DELETE FROM notify_channel WHERE id = $1 RETURNING id

-- name: rules
-- What somebody set of rules.
SELECT rule, settings FROM notify_rule

-- name: set_rule
-- Settings of a rule.
INSERT INTO notify_rule (rule, settings) VALUES ($1, $2)
ON CONFLICT (rule) DO UPDATE SET settings = excluded.settings, updated_at = now()

-- name: alerts
-- Alerts before the mark ($1, $2), the newest first.
SELECT * FROM notify_alert
WHERE ($1::timestamptz IS NULL OR (opened_at, id) < ($1, $2::bigint))
    AND ($3::text IS NULL OR (resolved_at IS NULL) = ($3 = 'open')) AND ($4::text IS NULL OR rule = $4)
ORDER BY opened_at DESC, id DESC
LIMIT $5

-- name: deliveries_of
-- Who was told of these alerts.
SELECT *, coalesce(payload ->> 'title', '') AS title FROM notify_delivery WHERE alert = ANY($1::bigint[]) ORDER BY id

-- name: deliveries
-- Sendings before the mark, the newest first.
SELECT *, coalesce(payload ->> 'title', payload ->> 'report_id', '') AS title FROM notify_delivery
WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR channel_id = $3)
ORDER BY id DESC
LIMIT $4

-- name: retry_delivery
-- A dead one is tried again, for another day.
UPDATE notify_delivery SET state = 'waiting', due_at = now(), first_at = NULL, batch = NULL
WHERE id = $1 AND state = 'dead'
RETURNING id

-- name: mutes
-- What is muted now.
SELECT id, rule, subject, until, who, created_at FROM notify_mute WHERE until IS NULL OR until > now() ORDER BY id DESC

-- name: insert_mute
-- One more.
INSERT INTO notify_mute (rule, subject, until, who) VALUES ($1, $2, $3, $4)
RETURNING id, rule, subject, until, who, created_at

-- name: delete_mute
-- Told again.
DELETE FROM notify_mute WHERE id = $1 RETURNING id
