-- name: add_credential
-- The first one stays.
INSERT INTO credential (kind, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING kind;

-- name: admin_token
-- The admin token that was made at the first start.
SELECT hash FROM credential WHERE kind = 'admin_token';

-- name: add_session
-- A browser is signed in for so many seconds; sessions that are over go.
WITH over AS (DELETE FROM session WHERE expires_at < now())
INSERT INTO session (hash, expires_at, made_by, user_id, address, browser)
VALUES ($1, now() + make_interval(secs => $2), $3, $4, $5, $6);

-- name: session
-- Whose the cookie's session is, while what made it is still good: for a user, what they may do and sign in with; else
-- the configured token ($2, or NULL), which takes the place of the one that was made; or a program's token.
SELECT s.id, s.made_by, s.user_id, s.seen_at < now() - interval '1 minute' AS is_stale, u.name, u.role, u.domains
FROM session AS s LEFT JOIN users AS u ON u.id = s.user_id
WHERE s.hash = $1 AND s.expires_at > now() AND CASE WHEN s.user_id IS NOT NULL
    THEN u.mark = s.made_by AND NOT u.disabled
    ELSE s.made_by = $2
        OR EXISTS (SELECT FROM api_token AS t WHERE t.hash = s.made_by)
        OR $2::bytea IS NULL AND EXISTS (
            SELECT FROM credential AS c WHERE sha256(convert_to(c.hash, 'UTF8')) = s.made_by
        )
    END;

-- name: note_session
-- When it was used.
UPDATE session SET seen_at = now() WHERE id = $1;

-- name: sessions
-- Sessions that are good as in `session`, of one user ($2; null: of none) or of all, the one seen last first.
SELECT s.id, u.name, s.created_at AS since, s.seen_at, s.address, s.browser
FROM session AS s LEFT JOIN users AS u ON u.id = s.user_id
WHERE s.expires_at > now() AND CASE WHEN s.user_id IS NOT NULL
    THEN u.mark = s.made_by AND NOT u.disabled
    ELSE s.made_by = $4
        OR EXISTS (SELECT FROM api_token AS t WHERE t.hash = s.made_by)
        OR $4::bytea IS NULL AND EXISTS (
            SELECT FROM credential AS c WHERE sha256(convert_to(c.hash, 'UTF8')) = s.made_by
        )
    END
    AND (NOT $1::boolean OR s.user_id IS NOT DISTINCT FROM $2::bigint)
ORDER BY s.seen_at DESC, s.id DESC LIMIT $3;

-- name: end_one
-- Ends a session, if it is the user's own or any may be ended.
WITH ended AS (
    DELETE FROM session WHERE id = $1 AND (NOT $2::boolean OR user_id IS NOT DISTINCT FROM $3::bigint)
    RETURNING user_id, address
)
SELECT ended.address, users.name FROM ended LEFT JOIN users ON users.id = ended.user_id;

-- name: end_others
-- Ends all but one, of a user or of everybody.
DELETE FROM session
WHERE id IS DISTINCT FROM $1::bigint AND (NOT $2::boolean OR user_id IS NOT DISTINCT FROM $3::bigint)
RETURNING id;

-- name: end_sessions_of
-- Ends those of a user ($2), and where $3 those of nobody in particular, but for one ($1).
DELETE FROM session
WHERE id IS DISTINCT FROM $1::bigint AND (user_id = $2::bigint OR $3::boolean AND user_id IS NULL);

-- name: rebind_session
-- Whoever changed the credential stays signed in.
UPDATE session SET made_by = $2 WHERE id = $1 AND user_id IS NOT NULL;

-- name: end_session
-- Signs out.
DELETE FROM session WHERE hash = $1;

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
INSERT INTO sign_in_code (hash, made_by, expires_at, user_id) VALUES ($1, $2, now() + make_interval(secs => $3), $5)
RETURNING expires_at;

-- name: spend_code
-- It is good once.
WITH spent AS (
    DELETE FROM sign_in_code WHERE hash = $1 AND expires_at > now() RETURNING made_by, user_id
)
SELECT spent.made_by, spent.user_id, users.name FROM spent LEFT JOIN users ON users.id = spent.user_id;
