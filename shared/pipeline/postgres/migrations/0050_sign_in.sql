-- A session is good as long as the credential that made it; a sign-in link carries a code that is good once.

-- SHA-256 of the credential as it is stored (an API token's hash itself). Sessions from before belong to none and end.
DELETE FROM session;
ALTER TABLE session ADD COLUMN made_by bytea NOT NULL;

-- `hash` is the SHA-256 of the code.
CREATE TABLE sign_in_code (
    hash       bytea       PRIMARY KEY,
    made_by    bytea       NOT NULL,
    expires_at timestamptz NOT NULL
);
