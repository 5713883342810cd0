-- name: add_credential
-- The first one stays.
INSERT INTO credential (kind, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING kind;

-- name: set_credential
-- A new one replaces it.
INSERT INTO credential (kind, hash) VALUES ($1, $2)
ON CONFLICT (kind) DO UPDATE SET hash = excluded.hash, created_at = now();

-- name: forget_credential
-- It signs nobody in any more.
DELETE FROM credential WHERE kind = $1;

-- name: credentials
-- How the administrator may sign in.
SELECT kind, hash FROM credential;

-- name: add_session
-- A browser is signed in for so many seconds; sessions that are over go.
WITH over AS (DELETE FROM session WHERE expires_at < now())
INSERT INTO session (hash, expires_at) VALUES ($1, now() + make_interval(secs => $2));

-- name: session
-- Whether the cookie is good.
SELECT TRUE FROM session WHERE hash = $1 AND expires_at > now();

-- name: end_session
-- Signs out.
DELETE FROM session WHERE hash = $1;

-- name: end_other_sessions
-- Signs every browser out but this one.
DELETE FROM session WHERE hash <> $1;

-- name: add_token
-- A token for a program.
INSERT INTO api_token (name, scope, hash) VALUES ($1, $2, $3) RETURNING id, name, scope, created_at, last_used_at;

-- name: tokens
-- All of them.
SELECT id, name, scope, created_at, last_used_at FROM api_token ORDER BY id;

-- name: revoke_token
-- It is good for nothing any more.
DELETE FROM api_token WHERE id = $1 RETURNING name;

-- name: token
-- Whose token it is.
SELECT id, name, scope, last_used_at FROM api_token WHERE hash = $1;

-- name: note_use
-- When it was used, to the minute.
UPDATE api_token SET last_used_at = now()
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute');
