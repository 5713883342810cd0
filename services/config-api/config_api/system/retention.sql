-- What is kept of each kind of data, since when, and what of it is older than $1 days or months; 0 is for ever.

-- name: documents
-- Report files whose bytes are kept.
SELECT count(*) AS kept, min(stored_at) AS oldest,
    count(*) FILTER (WHERE $1::integer > 0 AND stored_at < now() - make_interval(days => $1)) AS due
FROM document
WHERE bytes IS NOT NULL;

-- name: failure_reports
-- Failure reports.
SELECT count(*) AS kept, min(stored_at) AS oldest,
    count(*) FILTER (WHERE $1::integer > 0 AND stored_at < now() - make_interval(days => $1)) AS due
FROM report
WHERE kind = 'failure';

-- name: records
-- Rows of aggregate reports, counted by their reports; whole months go.
SELECT coalesce(sum(record_count), 0)::bigint AS kept, min(begin) AS oldest,
    coalesce(sum(record_count) FILTER (
        WHERE $1::integer > 0
            AND begin < (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => $1)) AT TIME ZONE 'UTC'
    ), 0)::bigint AS due
FROM report
WHERE kind = 'aggregate';

-- name: activities
-- Lines of the log.
SELECT count(*) AS kept, min(at) AS oldest, count(*) FILTER (WHERE at < now() - make_interval(days => $1)) AS due
FROM activity;
