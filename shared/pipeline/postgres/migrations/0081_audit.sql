-- Who changed what, when and from where. Rows are added and never changed or removed; no secret is ever in one.
CREATE TABLE audit (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    who     text        NOT NULL,                   -- a user, a token by its name, the admin token
    via     text        NOT NULL CHECK (via IN ('browser', 'program', 'command line', 'dmarq')),
    address text        NOT NULL DEFAULT '',
    action  text        NOT NULL,                   -- a code, like user_changed
    target  text        NOT NULL DEFAULT '',        -- what it was done to
    text    text        NOT NULL,                   -- the same in words
    changes jsonb       NOT NULL DEFAULT '[]'       -- [{name, before, after}]
);
CREATE INDEX audit_at ON audit (at, id);

CREATE FUNCTION audit_stays() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
