-- name: todays_settings
-- The settings that a mailbox has now.
SELECT version, settings FROM mailbox WHERE id = $1 AND deleted_at IS NULL;

-- name: known
-- What the ledger says about these emails.
SELECT mail_id, mailbox_id, folder, uidvalidity, uid, header_message_id, from_address, subject, date, internal_date,
    size, fetched_at, stored_at, run_id, settings_version, take, outcome, reason, detail, action, action_target,
    action_state, action_reason, action_detail, acted_at
FROM mail WHERE mail_id = ANY($1::uuid[]);

-- name: without_copy
-- Failed emails that are not among these, the newest first.
SELECT mail_id, mailbox_id, folder, uidvalidity, uid, header_message_id, from_address, subject, date, internal_date,
    size, fetched_at, stored_at, run_id, settings_version, take, outcome, reason, detail, action, action_target,
    action_state, action_reason, action_detail, acted_at
FROM mail
WHERE outcome = 'failed' AND mail_id <> ALL($1::uuid[]) AND ($2::text IS NULL OR mailbox_id = $2)
    AND ($3::text IS NULL OR reason = $3)
ORDER BY stored_at DESC, mail_id DESC
LIMIT $4;

-- name: mailboxes_not_working
-- Enabled mailboxes whose last fetch failed.
SELECT count(*)
FROM mailbox
CROSS JOIN LATERAL (
    SELECT category FROM fetch_run WHERE mailbox_id = mailbox.id ORDER BY started_at DESC LIMIT 1
) AS last
WHERE deleted_at IS NULL AND (settings ->> 'enabled')::boolean AND last.category <> 'ok';
