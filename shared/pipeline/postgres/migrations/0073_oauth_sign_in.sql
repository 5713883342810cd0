-- Sign-ins with a mail provider that a browser began: what the mailbox is to be, sealed; good once, for some minutes.
CREATE TABLE oauth_sign_in (
    state      bytea       PRIMARY KEY,  -- SHA-256 of what the provider sends back
    session    bytea       NOT NULL,     -- SHA-256 of the cookie of the browser that began it
    sealed     text        NOT NULL,
    expires_at timestamptz NOT NULL
);
