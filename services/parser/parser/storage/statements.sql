-- Every statement of the parser. Rows come as one JSON array, by column name; columns that are not listed keep their
-- defaults, so a migration that adds one does not break a parser that does not know it yet.

-- name: known_mails
-- The ledger's rows of these mails.
SELECT
    mail_id, take, settings_version, outcome, reason, detail, action, action_target, action_state,
    CASE WHEN outcome = 'failed' THEN lines END AS lines
FROM mail
WHERE mail_id = ANY($1::uuid[]);

-- name: settled_mails
-- Those of these mails that have an outcome, and whose command was done, or was given within so many seconds.
SELECT mail_id
FROM mail
WHERE mail_id = ANY($1::uuid[])
    AND (action_state <> 'pending' OR stored_at > now() - make_interval(secs => $2));

-- name: forget_failed_mails
-- Makes room for another end of mails that failed or held no report; their documents go with them.
DELETE FROM mail
WHERE mail_id = ANY($1::uuid[]) AND outcome IN ('failed', 'not_a_report');

-- name: insert_mails
-- Adds mails and gives back those that were not there yet.
INSERT INTO mail (
    mail_id, mailbox_id, folder, uidvalidity, uid, header_message_id, from_address, subject, date, internal_date, size,
    fetched_at, stored_at, run_id, settings_version, take, outcome, reason, detail, action, action_target, action_state,
    lines
)
SELECT
    mail_id, mailbox_id, folder, uidvalidity, uid, header_message_id, from_address, subject, date, internal_date, size,
    fetched_at, stored_at, run_id, settings_version, take, outcome, reason, detail, action, action_target, action_state,
    lines
FROM jsonb_populate_recordset(NULL::mail, $1)
ON CONFLICT DO NOTHING
RETURNING mail_id;

-- name: take_document_ids
-- As many new document numbers.
SELECT nextval(pg_get_serial_sequence('document', 'id')) AS id
FROM generate_series(1, $1::integer);

-- name: insert_reports
-- Adds reports that nobody else has; as variants of others where $2 says so, stored at $3. Gives back those it added.
INSERT INTO report (
    id, kind, mail_id, mailbox_id, org_name, report_id, domain, begin, "end", identity, fingerprint, variant, email,
    extra_contact_info, generator, version, namespace, errors, p, sp, np, adkim, aspf, pct, fo, testing,
    discovery_method, record_count, message_count, passed, quarantined, rejected, repairs, raw, extensions,
    parser_version, stored_at
)
SELECT
    id, kind, mail_id, mailbox_id, org_name, report_id, domain, begin, "end", identity, fingerprint, $2, email,
    extra_contact_info, generator, version, namespace, errors, p, sp, np, adkim, aspf, pct, fo, testing,
    discovery_method, record_count, message_count, passed, quarantined, rejected, repairs, raw, extensions,
    parser_version, $3
FROM jsonb_populate_recordset(NULL::report, $1)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: find_originals
-- The reports with these identities and fingerprints (two lists of one length).
SELECT report.id, report.identity, report.fingerprint
FROM unnest($1::bytea[], $2::bytea[]) AS wanted (identity, fingerprint)
JOIN report USING (identity, fingerprint);

-- name: find_rebuilt
-- Of these reports (lists of one length) those that were stored before as another tool knew them, which cuts the id at "@".
SELECT DISTINCT ON (number) number, report.id
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
    AS wanted (number, kind, org_name, report_id, domain, begin, "end")
JOIN report USING (kind, org_name, domain, begin, "end")
WHERE 'rebuilt' = ANY(report.repairs)
    AND report.report_id IN (wanted.report_id, split_part(wanted.report_id, '@', 1))
ORDER BY number, report.id;

-- name: find_what_was_rebuilt
-- The same the other way round: of these, which another tool knew, those that are stored in whatever form.
SELECT DISTINCT ON (number) number, report.id
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
    AS wanted (number, kind, org_name, report_id, domain, begin, "end")
JOIN report USING (kind, org_name, domain, begin, "end")
WHERE wanted.report_id IN (report.report_id, split_part(report.report_id, '@', 1))
ORDER BY number, report.variant, report.id;

-- name: take_from_outbox
-- Takes the oldest rows that no other relay holds; they are gone when the transaction is committed. The array is made
-- once: a sub-select would be joined, and run again for each row by a planner who was told that the outbox is empty.
DELETE FROM outbox
WHERE id = ANY(ARRAY(SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING id, subject, headers, payload;

-- name: count_outbox
-- How many rows wait, up to a bound that keeps the count cheap, and for how many seconds the oldest has.
SELECT count(*) AS rows, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age
FROM (SELECT created_at FROM outbox ORDER BY id LIMIT 100000) AS waiting;

-- name: note_action
-- Notes what became of an action; what was done stays done, however often the command is repeated.
UPDATE mail
SET action_state = $3, action_reason = $4, action_detail = $5, acted_at = $6
WHERE mail_id = ANY($1::uuid[]) AND action = $2 AND action_state <> 'done';

-- name: insert_fetch_runs
-- Adds fetch runs; a repeat is harmless.
INSERT INTO fetch_run (
    run_id, mailbox_id, folder, trigger, started_at, finished_at, seen, filtered, fetched, fetched_bytes, category,
    detail
)
SELECT
    run_id, mailbox_id, folder, trigger, started_at, finished_at, seen, filtered, fetched, fetched_bytes, category,
    detail
FROM jsonb_populate_recordset(NULL::fetch_run, $1)
ON CONFLICT DO NOTHING;

-- name: insert_activities
-- Adds lines for people; a repeat is harmless.
INSERT INTO activity (id, mailbox_id, source, name, level, text, data, at)
SELECT id, mailbox_id, source, name, level, text, data, at
FROM jsonb_populate_recordset(NULL::activity, $1)
ON CONFLICT DO NOTHING;

-- name: partitions
-- The names of the partitions of `record`.
SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'record'::regclass;

-- name: make_partition
-- Makes the partition of a year and month; its owner is that of `record`.
SELECT make_record_partition($1, $2);

-- name: fold_overview
-- Adds reports that are due to the sums of the overview, with about so many records; says how many reports.
SELECT fold_overview($1);

-- name: drop_partitions
-- Drops the rows of reports that are older than so many months before this one; says which partitions.
SELECT drop_record_partitions($1);

-- name: forget_documents
-- Frees the bytes of documents that are older than so many days, some at a time.
UPDATE document SET bytes = NULL
WHERE id = ANY(ARRAY(
    SELECT id FROM document
    WHERE bytes IS NOT NULL AND stored_at < now() - make_interval(days => $1)
    ORDER BY stored_at LIMIT $2
));

-- name: forget_failure_reports
-- Deletes failure reports that are older than so many days, some at a time, and frees the bytes of their documents.
WITH due AS MATERIALIZED (
    SELECT id FROM report
    WHERE kind = 'failure' AND stored_at < now() - make_interval(days => $1)
    ORDER BY stored_at, id LIMIT $2
), freed AS (
    UPDATE document SET bytes = NULL, report = NULL FROM due WHERE document.report = due.id
)
DELETE FROM report USING due WHERE report.id = due.id;

-- name: forget_activities
-- Deletes lines for people that are older than so many days, some at a time.
DELETE FROM activity
WHERE id = ANY(ARRAY(SELECT id FROM activity WHERE at < now() - make_interval(days => $1) ORDER BY at LIMIT $2));
