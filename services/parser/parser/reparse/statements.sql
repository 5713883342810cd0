-- The statements of reparse. A filter that is null lets everything through.

-- name: count_documents
-- How many documents a request is about ($1 since, $2 until, $3 domain, $4 reason, $5 version), and the last of them.
SELECT count(*) AS documents, coalesce(max(document.id), 0) AS last
FROM document LEFT JOIN report ON report.id = document.id
WHERE document.bytes IS NOT NULL
    AND ($1::timestamptz IS NULL OR document.stored_at >= $1)
    AND ($2::timestamptz IS NULL OR document.stored_at < $2)
    AND ($3::text IS NULL OR report.id IS NULL OR $3 = ANY(string_to_array(report.domain, ',')))
    AND ($4::text IS NULL OR document.reason = $4)
    AND ($5::text IS NULL OR document.parser_version = $5);

-- name: next_documents
-- The next $8 of them behind $6, up to $7.
SELECT document.id
FROM document LEFT JOIN report ON report.id = document.id
WHERE document.bytes IS NOT NULL
    AND ($1::timestamptz IS NULL OR document.stored_at >= $1)
    AND ($2::timestamptz IS NULL OR document.stored_at < $2)
    AND ($3::text IS NULL OR report.id IS NULL OR $3 = ANY(string_to_array(report.domain, ',')))
    AND ($4::text IS NULL OR document.reason = $4)
    AND ($5::text IS NULL OR document.parser_version = $5)
    AND document.id > $6 AND document.id <= $7
ORDER BY document.id
LIMIT $8;

-- name: add_job
-- A new job.
INSERT INTO reparse_job (wish, who, documents, last) VALUES ($1, $2, $3, $4)
RETURNING *;

-- name: open_job
-- The oldest job that is not finished.
SELECT * FROM reparse_job WHERE finished_at IS NULL ORDER BY id LIMIT 1;

-- name: hold_job
-- The same job, held until the end of the transaction; nothing when somebody else went on with it meanwhile.
SELECT * FROM reparse_job WHERE id = $1 AND position = $2 AND finished_at IS NULL FOR UPDATE;

-- name: note_progress
-- One more document is done.
UPDATE reparse_job SET position = $2, counts = $3 WHERE id = $1;

-- name: finish_job
-- Nothing is left to do.
UPDATE reparse_job SET finished_at = now() WHERE id = $1 AND finished_at IS NULL
RETURNING *;

-- name: kept_document
-- A document with its bytes, and what its mail's event said.
SELECT
    document.id, document.path, document.name, document.format, document.size, document.sha256, document.bytes,
    document.outcome, document.reason, document.detail, document.repairs, document.stored_at, document.parser_version,
    report.repairs AS report_repairs,
    mail.mail_id, mail.mailbox_id, mail.folder, mail.uidvalidity, mail.uid, mail.settings_version,
    mail.size AS mail_size, mail.fetched_at, mail.from_address
FROM document
JOIN mail USING (mail_id)
LEFT JOIN report ON report.id = document.id
WHERE document.id = $1 AND document.bytes IS NOT NULL;

-- name: hold_document
-- Holds a document and its mail until the end of the transaction; nothing when they are gone.
SELECT mail.lines
FROM mail JOIN document USING (mail_id)
WHERE document.id = $1
FOR UPDATE;

-- name: stored_report
-- A report as it is stored.
SELECT * FROM report WHERE id = $1;

-- name: forget_records
-- Makes room for the report's rows.
DELETE FROM record WHERE report = $1 AND begin = $2;

-- name: forget_report
-- Makes room for the report, and for what hangs on it.
DELETE FROM report WHERE id = $1;

-- name: promote_variant
-- Of the reports of one identity exactly one is no variant; the oldest, where the first one is gone.
UPDATE report SET variant = false
WHERE id = (SELECT min(id) FROM report WHERE identity = $1)
    AND NOT EXISTS (SELECT FROM report WHERE identity = $1 AND NOT variant);

-- name: note_document
-- What reading it again gave. A duplicate's bytes are those of its original.
UPDATE document
SET outcome = $2, reason = $3, detail = $4, repairs = $5, report = $6, parser_version = $7,
    bytes = CASE WHEN $2 = 'duplicate' THEN NULL ELSE bytes END
WHERE id = $1;

-- name: note_version
-- The present parser reads the document, and its report, as they were read before.
WITH reparsed AS (UPDATE document SET parser_version = $2 WHERE id = $1)
UPDATE report SET parser_version = $2 WHERE id = $1;

-- name: redirect_duplicates
-- The documents that repeat report $1 repeat report $2 now.
UPDATE document SET report = $2 WHERE report = $1 AND id <> $1;

-- name: note_mail
-- The mail's outcome and lines, now that one of its documents has another result.
UPDATE mail SET outcome = $2, reason = $3, detail = $4, lines = $5 WHERE mail_id = $1;
