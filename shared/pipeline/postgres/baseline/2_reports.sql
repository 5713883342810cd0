-- What the documents say. Numbers from outside are bigint, names from outside are text of any length.
--
-- A report is unique on (kind, org_name, report_id, domain, begin, end, fingerprint). `identity` is the SHA-256 over
-- the first six (see parser/kinds/identity.py), because names may be longer than an index entry can be. Of the reports
-- of one identity exactly one is no variant: the first to come; `report_first` holds that under any concurrency.
CREATE TABLE report (
    id                 bigint      PRIMARY KEY,     -- that of the document it was read from
    kind               text        NOT NULL CHECK (kind IN ('aggregate', 'tls', 'failure')),
    mail_id            uuid        NOT NULL,
    mailbox_id         text        NOT NULL,
    org_name           text        NOT NULL,
    report_id          text        NOT NULL,
    domain             text        NOT NULL,
    begin              timestamptz NOT NULL,
    "end"              timestamptz NOT NULL,
    identity           bytea       NOT NULL,
    fingerprint        bytea       NOT NULL,        -- SHA-256 over the canonical content
    variant            boolean     NOT NULL,        -- came later than another report of the same identity
    email              text,
    extra_contact_info text,
    generator          text,
    version            text,
    namespace          text,
    errors             text[]      NOT NULL DEFAULT '{}',
    p                  text,                        -- the published policy
    sp                 text,
    np                 text,
    adkim              text,
    aspf               text,
    pct                bigint,
    fo                 text,
    testing            text,
    discovery_method   text,
    record_count       bigint      NOT NULL,        -- rows; policies of a TLS report
    message_count      bigint      NOT NULL,        -- mails; sessions of a TLS report
    passed             bigint      NOT NULL,        -- of these: DKIM or SPF aligned; sessions that succeeded
    quarantined        bigint      NOT NULL,
    rejected           bigint      NOT NULL,
    repairs            text[]      NOT NULL DEFAULT '{}',
    raw                jsonb       NOT NULL DEFAULT '{}', -- words as sent, where they differ from the columns
    extensions         text[]      NOT NULL DEFAULT '{}',
    parser_version     text        NOT NULL,
    stored_at          timestamptz NOT NULL
);

CREATE UNIQUE INDEX report_unique ON report (identity, fingerprint);
CREATE UNIQUE INDEX report_first ON report (identity) WHERE NOT variant;
CREATE INDEX report_domain ON report (domain, begin, id);
CREATE INDEX report_begin ON report (begin, id);
CREATE INDEX report_mail ON report (mail_id);
CREATE INDEX report_stored_at ON report (stored_at, id);

-- What lists are sorted by and searched for. Names are cut: they may be longer than an entry of an index can be.
CREATE INDEX report_messages ON report (message_count, id);
CREATE INDEX report_org_name ON report (left(org_name, 60), begin, id);
CREATE INDEX report_failed ON report ((message_count - passed), id);
CREATE INDEX report_report_id ON report ((lower(left(report_id, 60))) COLLATE "C");

-- The rows of aggregate reports, one partition a month of `begin` (made when first needed, by the function below).
-- `report` is no foreign key: checking it row by row costs more than the rest of a COPY; both are written in one
-- transaction, and whoever deletes a report deletes its rows.
CREATE TABLE record (
    report        bigint      NOT NULL,
    begin         timestamptz NOT NULL,             -- the report's
    position      integer     NOT NULL,             -- in the report, from 0
    source_ip     inet,
    count         bigint      NOT NULL,
    disposition   text,
    dkim          text,                             -- aligned: pass, fail
    spf           text,
    header_from   text,
    envelope_from text,
    envelope_to   text,
    reasons       jsonb,                            -- [{type, comment}]; null for none, as in the next two
    dkim_results  jsonb,                            -- [{domain, selector, result, human_result}]
    spf_results   jsonb,                            -- [{domain, scope, result, human_result}]
    raw           jsonb                             -- words as sent, where they differ
) PARTITION BY RANGE (begin);

CREATE INDEX record_report ON record (report, position);
CREATE TABLE record_default PARTITION OF record DEFAULT;

CREATE TABLE tls_policy (
    report              bigint  NOT NULL REFERENCES report ON DELETE CASCADE,
    position            integer NOT NULL,           -- in the report, from 0
    policy_type         text    NOT NULL,
    policy_domain       text,
    policy_strings      text[]  NOT NULL DEFAULT '{}',
    mx_hosts            text[]  NOT NULL DEFAULT '{}',
    successful_sessions bigint  NOT NULL,
    failed_sessions     bigint  NOT NULL,
    PRIMARY KEY (report, position)
);

CREATE TABLE tls_failure (
    report                 bigint  NOT NULL REFERENCES report ON DELETE CASCADE,
    policy                 integer NOT NULL,        -- tls_policy.position
    position               integer NOT NULL,        -- in the policy, from 0
    result_type            text    NOT NULL,
    sending_mta_ip         text,
    receiving_mx_hostname  text,
    receiving_mx_helo      text,
    receiving_ip           text,
    failed_session_count   bigint  NOT NULL,
    additional_information text,
    failure_reason_code    text,
    PRIMARY KEY (report, policy, position)
);

CREATE TABLE failure_report (
    report                 bigint PRIMARY KEY REFERENCES report ON DELETE CASCADE,
    feedback_type          text   NOT NULL,
    user_agent             text,
    feedback_version       text,
    original_mail_from     text,
    original_rcpt_to       text[] NOT NULL DEFAULT '{}',
    arrival_date           text,
    reporting_mta          text,
    source_ip              text,
    source_port            bigint,
    incidents              bigint NOT NULL,
    authentication_results text[] NOT NULL DEFAULT '{}',
    reported_domains       text[] NOT NULL DEFAULT '{}',
    reported_uris          text[] NOT NULL DEFAULT '{}',
    auth_failure           text,
    delivery_result        text,
    identity_alignment     text,
    dkim_domain            text,
    dkim_identity          text,
    dkim_selector          text,
    spf_dns                text,
    sample                 text,
    sample_message_id      text,
    sample_from            text,
    sample_subject         text
);
CREATE INDEX failure_report_source_ip ON failure_report USING hash (source_ip);
CREATE INDEX tls_failure_sending_mta_ip ON tls_failure USING hash (sending_mta_ip);

-- Partitions of `record` belong to the owner of the table. The parser, which owns nothing, has them made by this.
-- Only numbers get into the statement.
CREATE FUNCTION make_record_partition(year integer, month integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    since timestamptz := make_timestamptz(year, month, 1, 0, 0, 0, 'UTC');
    until timestamptz := (since AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format(
        'CREATE TABLE record_%s_%s PARTITION OF record FOR VALUES FROM (%L) TO (%L)',
        lpad(year::text, 4, '0'), lpad(month::text, 2, '0'), since, until
    );
END
$$;
REVOKE EXECUTE ON FUNCTION make_record_partition(integer, integer) FROM PUBLIC;

-- Rows of reports may be kept for some months only: older partitions are dropped, which takes no time however many rows
-- they have. The headers of the reports stay, with their sums; so do the sums of the overview but for those by source,
-- which are sums of rows. Partitions belong to the owner of the table, so the parser has them dropped by this.
CREATE FUNCTION drop_record_partitions(keep_months integer) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    since timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => keep_months))
        AT TIME ZONE 'UTC';
    since_day date := (since AT TIME ZONE 'UTC')::date;
    month text;
    dropped text[] := '{}';
BEGIN
    IF keep_months < 1 THEN
        RAISE EXCEPTION 'at least the month before this one is kept';
    END IF;
    PERFORM pg_advisory_xact_lock(x'646D616F'::integer);
    FOR month IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'record'::regclass AND relname ~ '^record_\d{4}_\d{2}$'
            AND relname < 'record_' || to_char(since AT TIME ZONE 'UTC', 'YYYY_MM')
        ORDER BY relname
    LOOP
        EXECUTE format('DROP TABLE %I', month);
        dropped := dropped || month;
    END LOOP;
    DELETE FROM record_default WHERE begin < since;
    DELETE FROM overview_source WHERE day < since_day;
    DELETE FROM source_identity WHERE last_day < since_day;
    DELETE FROM source_verdict WHERE last_day < since_day;
    DELETE FROM source WHERE last_day < since_day;
    RETURN dropped;
END
$$;
REVOKE EXECUTE ON FUNCTION drop_record_partitions(integer) FROM PUBLIC;

-- Kept documents are read again, one after the other, in the background. A job's row is its memory: whichever parser
-- goes on with it, after a stop or a crash, goes on behind `position`.
CREATE TABLE reparse_job (
    id          bigint      GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    wish        jsonb       NOT NULL,               -- ReparseOptions
    who         text        NOT NULL,
    documents   bigint      NOT NULL,               -- how many there were when it began
    last        bigint      NOT NULL,               -- later documents were read by the present parser already
    position    bigint      NOT NULL DEFAULT 0,     -- the document that was done last
    counts      jsonb       NOT NULL DEFAULT '{}',  -- documents done, by what changed
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX reparse_job_open ON reparse_job (id) WHERE finished_at IS NULL;

-- What each report adds.
CREATE VIEW overview_report_share AS
SELECT id AS report, (begin AT TIME ZONE 'UTC')::date AS day, mailbox_id, domain, org_name, message_count AS messages,
    passed, quarantined, rejected, "end" AS last_end, begin
FROM report
WHERE kind = 'aggregate' AND NOT variant;

CREATE VIEW overview_record_share AS
SELECT share.report, share.day, share.mailbox_id, share.domain,
    coalesce(record.source_ip, '0.0.0.0/0') AS source_ip, record.count AS messages,
    CASE WHEN record.dkim = 'pass' OR record.spf = 'pass' THEN record.count ELSE 0 END AS passed,
    record.header_from, share.begin, record.begin AS record_begin,
    CASE WHEN record.dkim = 'pass' THEN record.count ELSE 0 END AS dkim,
    CASE WHEN record.spf = 'pass' THEN record.count ELSE 0 END AS spf,
    CASE WHEN record.disposition = 'quarantine' THEN record.count ELSE 0 END AS quarantined,
    CASE WHEN record.disposition = 'reject' THEN record.count ELSE 0 END AS rejected,
    CASE WHEN record.reasons @> '[{"type": "forwarded"}]' OR record.reasons @> '[{"type": "mailing_list"}]'
        OR record.reasons @> '[{"type": "trusted_forwarder"}]' THEN record.count ELSE 0 END AS overridden,
    record.dkim_results, record.spf_results
FROM overview_report_share AS share
JOIN record ON record.report = share.report AND record.begin = share.begin;
