-- name: forget_old
-- Keys are kept for a day.
DELETE FROM api_request WHERE began_at < now() - interval '24 hours';

-- name: kept_of
-- How many keys of a credential ($1) are kept.
SELECT count(*) FROM api_request WHERE credential = $1;

-- name: claim
-- Takes a key ($2) of a credential ($1) for a request ($3); nothing where it is taken.
INSERT INTO api_request (credential, key, request) VALUES ($1, $2, $3)
ON CONFLICT (credential, key) DO NOTHING RETURNING key;

-- name: claimed
-- What a key was taken for, how many seconds ago, and the answer, once there is one.
SELECT request, extract(epoch FROM now() - began_at)::float AS age, status, answer
FROM api_request WHERE credential = $1 AND key = $2;

-- name: keep
-- The request was done: its answer ($4, sealed; NULL: too large to be kept).
UPDATE api_request SET status = $3, answer = $4 WHERE credential = $1 AND key = $2;

-- name: release
-- The request was not done: the key is free again.
DELETE FROM api_request WHERE credential = $1 AND key = $2 AND status IS NULL;
