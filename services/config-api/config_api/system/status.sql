-- name: outcomes
-- Mails of the ledger by how they ended, and by what became of their command.
SELECT outcome, action_state, count(*) AS mails FROM mail GROUP BY outcome, action_state;

-- name: skipped
-- Those that are no report because a format is switched off.
SELECT count(*) FROM mail WHERE outcome = 'not_a_report' AND reason = 'format_not_allowed';

-- name: outbox
-- How many events wait to be published, up to a bound, and for how many seconds the oldest has.
SELECT count(*) AS rows, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age
FROM (SELECT created_at FROM outbox ORDER BY id LIMIT 100000) AS waiting;
