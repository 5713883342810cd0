-- One switch over all mailboxes: whether anything is fetched at all. A single row.
CREATE TABLE imap_switch (
    is_only    boolean     PRIMARY KEY DEFAULT TRUE CHECK (is_only),
    enabled    boolean     NOT NULL DEFAULT TRUE,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text        NOT NULL DEFAULT ''
);
INSERT INTO imap_switch DEFAULT VALUES;
