-- name: keep
-- A sign-in for so many seconds; those that are over, and all but so many of the newest, go.
WITH over AS (
    DELETE FROM oauth_sign_in WHERE expires_at < now()
    OR state NOT IN (SELECT state FROM oauth_sign_in ORDER BY expires_at DESC LIMIT $5)
)
INSERT INTO oauth_sign_in (state, session, sealed, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4));

-- name: take
-- It is good once, in the browser that began it.
DELETE FROM oauth_sign_in WHERE state = $1 AND session = $2 AND expires_at > now() RETURNING sealed;
