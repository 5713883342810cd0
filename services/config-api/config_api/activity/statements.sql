-- name: lines
-- Lines for people; ORDER and AFTER are put in.
SELECT id, mailbox_id, source, name, level, text, data, at
FROM activity
WHERE ($1::text IS NULL OR mailbox_id = $1)
    AND ($2::text IS NULL OR source = $2)
    AND ($3::text IS NULL OR source <> $3)
    AND ($4::text[] IS NULL OR level = ANY($4))
    AND ($5::timestamptz IS NULL OR at >= $5)
    AND ($6::timestamptz IS NULL OR at < $6)
    AND ($7::text IS NULL OR strpos(lower(name || ' ' || text || ' ' || data::text), lower($7)) > 0)
    AND {after}
ORDER BY {order}
LIMIT $8;

-- name: runs
-- Fetch runs, each with how its emails ended; ORDER and AFTER are put in.
SELECT run.run_id, run.mailbox_id, run.folder, run.trigger, run.started_at, run.finished_at, run.seen, run.filtered,
    run.fetched, run.fetched_bytes, run.category, run.detail,
    ended.imported, ended.duplicate, ended.failed, ended.not_a_report, ended.skipped
FROM fetch_run AS run
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome = 'imported') AS imported,
        count(*) FILTER (WHERE outcome = 'duplicate') AS duplicate,
        count(*) FILTER (WHERE outcome = 'failed') AS failed,
        count(*) FILTER (WHERE outcome = 'not_a_report') AS not_a_report,
        count(*) FILTER (WHERE outcome = 'not_a_report' AND reason = 'format_not_allowed') AS skipped
    FROM mail WHERE mail.run_id = run.run_id AND run.run_id <> ''
) AS ended
WHERE ($1::text IS NULL OR run.mailbox_id = $1)
    AND ($2::timestamptz IS NULL OR run.started_at >= $2)
    AND ($3::timestamptz IS NULL OR run.started_at < $3)
    AND (NOT $4::boolean OR run.seen > 0 OR run.category <> 'ok')
    AND {after}
ORDER BY {order}
LIMIT $5;
