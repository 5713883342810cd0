-- name: job
-- How far a reparse has come.
SELECT id, wish, who, documents, counts, created_at, finished_at FROM reparse_job WHERE id = $1;
