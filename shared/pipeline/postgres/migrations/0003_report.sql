-- What the documents say. Numbers from outside are bigint, names from outside are text of any length.
--
-- A report is unique on (kind, org_name, report_id, domain, begin, end, fingerprint). `identity` is the SHA-256 over
-- the first six (see parser/identity.py), because names may be longer than an index entry can be. Of the reports of one
-- identity exactly one is no variant: the first to come; `report_first` holds that under any concurrency.
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

-- The rows of aggregate reports, one partition a month of `begin` (made when first needed, see parser/partition.py).
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
