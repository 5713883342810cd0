-- name: mailboxes
-- Every mailbox, or one ($1), with how it is doing.
SELECT mailbox.id, mailbox.version, mailbox.settings, mailbox.secret, mailbox.created_at, mailbox.updated_at,
    mailbox.published_version IS NOT DISTINCT FROM mailbox.version AS is_published,
    latest.finished_at AS last_run_at, latest.category, coalesce(latest.detail, '') AS detail,
    good.finished_at AS last_success_at,
    mails.mails_24h, mails.imported_24h, mails.failed_24h,
    (SELECT enabled FROM imap_switch) AS is_on
FROM mailbox
LEFT JOIN LATERAL (
    SELECT finished_at, category, detail FROM fetch_run
    WHERE mailbox_id = mailbox.id ORDER BY started_at DESC LIMIT 1
) AS latest ON TRUE
LEFT JOIN LATERAL (
    SELECT finished_at FROM fetch_run
    WHERE mailbox_id = mailbox.id AND category = 'ok' ORDER BY started_at DESC LIMIT 1
) AS good ON TRUE
CROSS JOIN LATERAL (
    SELECT count(*) AS mails_24h,
        count(*) FILTER (WHERE outcome = 'imported') AS imported_24h,
        count(*) FILTER (WHERE outcome = 'failed') AS failed_24h
    FROM mail WHERE mailbox_id = mailbox.id AND stored_at > now() - interval '24 hours'
) AS mails
WHERE mailbox.deleted_at IS NULL AND ($1::text IS NULL OR mailbox.id = $1)
ORDER BY lower(mailbox.settings ->> 'name'), mailbox.id;

-- name: locked
-- A mailbox that nobody else changes until the transaction ends.
SELECT id, version, settings, secret FROM mailbox WHERE id = $1 AND deleted_at IS NULL FOR UPDATE;

-- name: ids
-- Every id that was ever used: an id stands in the ledger for ever and is not used again.
SELECT id FROM mailbox;

-- name: insert
-- Gives nothing when the id is taken.
INSERT INTO mailbox (id, version, settings, secret) VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING RETURNING version;

-- name: update
-- The next version.
UPDATE mailbox SET version = version + 1, settings = $2, secret = $3, updated_at = now(), deleted_at = NULL
WHERE id = $1 RETURNING version;

-- name: has_mails
-- Whether anything was ever fetched through it.
SELECT EXISTS (SELECT FROM mail WHERE mailbox_id = $1);

-- name: delete
-- Only marked: the ledger still speaks of it. The secret goes.
UPDATE mailbox SET version = version + 1, secret = '', updated_at = now(), deleted_at = now()
WHERE id = $1 RETURNING version;

-- name: any_state
-- A mailbox, deleted or not, that nobody else changes until the transaction ends.
SELECT id, version, settings, secret, deleted_at FROM mailbox WHERE id = $1 FOR UPDATE;

-- name: unpublished
-- Changes that the bus has not heard of; another process that tells them just now is left alone.
SELECT id, version, settings, secret, deleted_at IS NOT NULL AS is_deleted
FROM mailbox
WHERE published_version IS DISTINCT FROM version
ORDER BY updated_at
LIMIT 50
FOR UPDATE SKIP LOCKED;

-- name: note_published
-- The bus has heard of this version.
UPDATE mailbox SET published_version = version WHERE id = ANY($1::text[]);

-- name: versions
-- What the bus should know.
SELECT id, version FROM mailbox WHERE deleted_at IS NULL;

-- name: publish_again
-- The bus does not know what it should.
UPDATE mailbox SET published_version = NULL WHERE id = ANY($1::text[]) AND published_version = version;

-- name: is_on
-- Whether anything is fetched at all.
SELECT enabled FROM imap_switch;

-- name: turn
-- The switch over all mailboxes; gives nothing where it stands so already.
UPDATE imap_switch SET enabled = $1, changed_at = now(), changed_by = $2 WHERE enabled <> $1 RETURNING enabled;

-- name: publish_all
-- What the bus knows of every mailbox is no longer right.
UPDATE mailbox SET published_version = NULL WHERE deleted_at IS NULL RETURNING id;

-- name: insert_activity
-- A line for people.
INSERT INTO activity (id, mailbox_id, source, name, level, text, data, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: insert_outbox
-- What the relay publishes.
INSERT INTO outbox (subject, headers, payload) VALUES ($1, $2, $3);

-- name: mailbox_of_mail
-- Where a mail came from.
SELECT mailbox_id FROM mail WHERE mail_id = $1;

-- name: failed_actions
-- Mails of a mailbox, or one of them ($2), whose action was refused; where the folder was rebuilt no retry helps.
SELECT mail_id, mailbox_id, folder, uidvalidity, uid, outcome, action, action_target, take
FROM mail
WHERE mailbox_id = $1 AND ($2::uuid IS NULL OR mail_id = $2)
    AND action_state = 'failed' AND action_reason IS DISTINCT FROM 'uidvalidity_changed'
ORDER BY stored_at
LIMIT $3
FOR UPDATE;

-- name: action_is_pending
-- The command was given once more.
UPDATE mail SET action_state = 'pending', action_reason = NULL, action_detail = '', acted_at = NULL
WHERE mail_id = ANY($1::uuid[]);
