-- name: users
-- All users, or one of them ($1), by name.
SELECT id, name, role, domains, disabled, password IS NOT NULL AS has_password, issuer IS NOT NULL AS has_provider,
    created_at, last_sign_in_at
FROM users WHERE $1::bigint IS NULL OR id = $1
ORDER BY lower(name);

-- name: count
-- How many there are.
SELECT count(*) FROM users;

-- name: add
-- A new user; nothing where the name is taken.
INSERT INTO users (name, role, domains, password, issuer, subject) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING id;

-- name: lock
-- One user, whom nobody else changes meanwhile.
SELECT id, name, role, domains, disabled, password IS NOT NULL AS has_password, issuer IS NOT NULL AS has_provider,
    created_at, last_sign_in_at
FROM users WHERE id = $1 FOR UPDATE;

-- name: change
-- What a user may do. The trigger `users_marked` ends their sessions.
UPDATE users SET role = $2, domains = $3, disabled = $4 WHERE id = $1
    AND (role, domains, disabled) IS DISTINCT FROM ($2::text, $3::text[], $4::boolean);

-- name: set_password
-- Another password, or none.
UPDATE users SET password = $2 WHERE id = $1;

-- name: remove
-- The user and their sessions are gone; what they did stays in the audit log.
DELETE FROM users WHERE id = $1;

-- name: named
-- Who signs in by this name.
SELECT id, name, role, domains, disabled, password, mark FROM users WHERE lower(name) = lower($1);

-- name: mark
-- What their sessions are bound to.
SELECT mark FROM users WHERE id = $1;

-- name: signed_in
-- When they did last.
UPDATE users SET last_sign_in_at = now() WHERE id = $1;

-- name: has_passwords
-- Whether anybody signs in with a password.
SELECT EXISTS (SELECT FROM users WHERE password IS NOT NULL);

-- name: of_provider
-- Who this is to the provider.
SELECT id, name, role, domains, disabled FROM users WHERE issuer = $1 AND subject = $2 FOR UPDATE;

-- name: awaited
-- A user without a password who has not signed in with the provider yet; their name is the address that it vouches for.
SELECT id, name, role, domains, disabled FROM users
WHERE lower(name) = lower($1) AND password IS NULL AND issuer IS NULL FOR UPDATE;

-- name: bind
-- From now on this user is the provider's subject.
UPDATE users SET issuer = $2, subject = $3 WHERE id = $1;
