-- The configured mailboxes. `settings` is a MailboxSettings, `secret` the encrypted MailboxSecrets.
CREATE TABLE mailbox (
    id         text        PRIMARY KEY,
    version    integer     NOT NULL,
    settings   jsonb       NOT NULL,
    secret     text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
