-- name: mail_filter
-- Which emails, as a part of the statements about many.
($1::text IS NULL OR mailbox_id = $1)
    AND ($2::text IS NULL OR outcome = $2)
    AND ($3::text IS NULL OR reason = $3)
    AND ($4::text IS NULL OR run_id = $4)
    AND ($5::timestamptz IS NULL OR stored_at >= $5)
    AND ($6::timestamptz IS NULL OR stored_at < $6)
    AND ($7::text IS NULL OR strpos(lower(subject || ' ' || from_address || ' ' || header_message_id), lower($7)) > 0)
    AND ($8::boolean IS NULL OR (outcome = 'not_a_report' AND coalesce(reason, '') = 'format_not_allowed') = $8)

-- name: mails
-- The ledger, each email with the first report that it brought or repeated; FILTER, ORDER and AFTER are put in.
SELECT page.*, first.org_name AS reporter, first.domain, first.begin, first."end",
    coalesce(first.reports, 0) AS reports
FROM (
    SELECT mail_id, mailbox_id, folder, uidvalidity, uid, header_message_id, from_address, subject, date, internal_date,
        size, fetched_at, stored_at, run_id, settings_version, take, outcome, reason, detail, action, action_target,
        action_state, action_reason, action_detail, acted_at
    FROM mail
    WHERE {filter}
        AND {after}
    ORDER BY {order}
    LIMIT {limit}
) AS page
LEFT JOIN LATERAL (
    SELECT report.org_name, report.domain, report.begin, report."end", count(*) OVER () AS reports
    FROM document JOIN report ON report.id = document.report
    WHERE document.mail_id = page.mail_id
    ORDER BY document.id
    LIMIT 1
) AS first ON TRUE
ORDER BY {order};

-- name: count_mails
-- How many there are, as far as they are counted.
SELECT count(*) FROM (SELECT FROM mail WHERE {filter} LIMIT $9) AS counted;

-- name: mail
-- One mail.
SELECT mail_id, mailbox_id, folder, uidvalidity, uid, header_message_id, from_address, subject, date, internal_date,
    size, fetched_at, stored_at, run_id, settings_version, take, outcome, reason, detail, action, action_target,
    action_state, action_reason, action_detail, acted_at, lines
FROM mail
WHERE mail_id = $1;

-- name: documents
-- The report files that were found in a mail.
SELECT id, path, name, format, size, encode(sha256, 'hex') AS sha256, bytes IS NOT NULL AS is_kept, outcome, reason,
    detail, repairs, report, parser_version, stored_at
FROM document
WHERE mail_id = $1
ORDER BY id;

-- name: reports
-- What they say, or repeat.
SELECT id, kind, org_name, report_id, domain, begin, "end", record_count AS records, message_count AS messages, variant
FROM report
WHERE id = ANY($1::bigint[])
ORDER BY id;
