-- Requests that came with an Idempotency-Key, for a day: what was asked (a hash), and the answer (sealed), so that the
-- same request sent again is answered and not done again. Without a status it is being done, or nobody knows how it ended.
CREATE TABLE api_request (
    credential bytea       NOT NULL,
    key        text        NOT NULL,
    request    bytea       NOT NULL,
    began_at   timestamptz NOT NULL DEFAULT now(),
    status     integer,
    answer     text,
    PRIMARY KEY (credential, key)
);
CREATE INDEX api_request_began_at ON api_request (began_at);
