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

-- name: credential
-- One of them.
SELECT hash FROM credential WHERE kind = $1;

-- name: add_session
-- A browser is signed in for so many seconds; sessions that are over go.
WITH over AS (DELETE FROM session WHERE expires_at < now())
INSERT INTO session (hash, expires_at, made_by) VALUES ($1, now() + make_interval(secs => $2), $3);

-- name: session
-- What the cookie's session was made by, while that is still good: the configured token ($2, or NULL), which takes the
-- place of the one that was made; the password; a program's token.
SELECT made_by FROM session AS s
WHERE s.hash = $1 AND s.expires_at > now() AND (
    s.made_by = $2
    OR EXISTS (SELECT FROM api_token AS t WHERE t.hash = s.made_by)
    OR EXISTS (
        SELECT FROM credential AS c
        WHERE sha256(convert_to(c.hash, 'UTF8')) = s.made_by AND (c.kind = 'password' OR $2::bytea IS NULL)
    )
);

-- name: rebind_sessions
-- Whoever changed the password stays signed in.
UPDATE session SET made_by = $2 WHERE made_by = $1;

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

-- name: add_code
-- A code for so many seconds; those that are over, and all but so many of the newest, go.
WITH over AS (
    DELETE FROM sign_in_code WHERE expires_at < now()
    OR hash NOT IN (SELECT hash FROM sign_in_code ORDER BY expires_at DESC LIMIT $4)
)
INSERT INTO sign_in_code (hash, made_by, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
RETURNING expires_at;

-- name: spend_code
-- It is good once.
DELETE FROM sign_in_code WHERE hash = $1 AND expires_at > now() RETURNING made_by;
