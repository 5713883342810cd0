-- Sources: the addresses that send as a domain, what they authenticated as, whose they are, and what they are to the
-- domain. Everything here is made behind storing: by the fold of the overview, and by a chore of the parser.

-- More of each source's messages: aligned DKIM and SPF by themselves, what became of them, and how many reporters call
-- forwarded or from a mailing list.
ALTER TABLE overview_source
    ADD COLUMN dkim        bigint NOT NULL DEFAULT 0,
    ADD COLUMN spf         bigint NOT NULL DEFAULT 0,
    ADD COLUMN quarantined bigint NOT NULL DEFAULT 0,
    ADD COLUMN rejected    bigint NOT NULL DEFAULT 0,
    ADD COLUMN overridden  bigint NOT NULL DEFAULT 0;
ALTER TABLE overview_domain                         -- sums of those by source
    ADD COLUMN dkim bigint NOT NULL DEFAULT 0,
    ADD COLUMN spf  bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW overview_record_share AS
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

-- One row an address, with its names. `named_with` says by which data; null: to be named.
CREATE TABLE source (
    source_ip    inet        PRIMARY KEY,
    first_day    date        NOT NULL,
    last_day     date        NOT NULL,
    service      text,                              -- an id of the table of services
    network      text,
    asn          bigint,
    organisation text,
    country      text,
    host         text,                              -- PTR, forward-confirmed
    host_at      timestamptz,                       -- when it was asked for
    named_with   text,
    words        text        NOT NULL GENERATED ALWAYS AS (lower(host(source_ip) || ' ' || coalesce(service, '') || ' '
        || coalesce(network, '') || ' as' || coalesce(asn::text, '') || ' ' || coalesce(organisation, '') || ' '
        || coalesce(country, '') || ' ' || coalesce(host, ''))) STORED  -- what is searched
) WITH (fillfactor = 80);
CREATE INDEX source_named_with ON source (named_with);
CREATE INDEX source_service ON source (service) WHERE service IS NOT NULL;

-- What an address authenticated as while it sent as a domain, and (`from`) the subdomains in the From of its messages.
-- What failed is kept only of the domain's own names. No counts: a report that is read again changes nothing.
CREATE TABLE source_identity (
    source_ip inet    NOT NULL,
    domain    text    NOT NULL,                     -- the policy domain
    mechanism text    NOT NULL CHECK (mechanism IN ('dkim', 'spf', 'from')),
    name      text    NOT NULL,
    selector  text    NOT NULL,                     -- empty for SPF
    passed    boolean NOT NULL,
    first_day date    NOT NULL,
    last_day  date    NOT NULL,
    PRIMARY KEY (source_ip, domain, mechanism, name, selector, passed)
) WITH (fillfactor = 80);
CREATE INDEX source_identity_domain ON source_identity (domain, mechanism, name);

-- A domain with sources. `due`: its sources have news; `took_ms` is how long it took to add them up.
CREATE TABLE source_domain (
    domain     text        PRIMARY KEY,
    first_day  date        NOT NULL,
    last_day   date        NOT NULL,                -- the end of the window that sources are judged by
    due        boolean     NOT NULL DEFAULT true,
    summed_at  timestamptz NOT NULL DEFAULT '-infinity',
    took_ms    bigint      NOT NULL DEFAULT 0
);

-- A source of a domain in the last 30 days that were reported on, the 30 before, and what it is. `verdict` is null
-- until it is judged.
CREATE TABLE source_verdict (
    domain          text     NOT NULL,
    source_ip       inet     NOT NULL,
    first_day       date     NOT NULL,
    last_day        date     NOT NULL,
    messages        bigint   NOT NULL,
    passed          bigint   NOT NULL,
    failed          bigint   NOT NULL GENERATED ALWAYS AS (messages - passed) STORED,
    dkim            bigint   NOT NULL,
    spf             bigint   NOT NULL,
    quarantined     bigint   NOT NULL,
    rejected        bigint   NOT NULL,
    overridden      bigint   NOT NULL,
    messages_before bigint   NOT NULL,
    passed_before   bigint   NOT NULL,
    verdict         text,
    severity        smallint NOT NULL DEFAULT 2,
    changes         text[]   NOT NULL DEFAULT '{}',
    changed_at      timestamptz,                    -- when verdict or changes became what they are
    PRIMARY KEY (domain, source_ip)
) WITH (fillfactor = 80);
CREATE INDEX source_verdict_due ON source_verdict (domain) WHERE verdict IS NULL;
CREATE INDEX source_verdict_attention ON source_verdict (severity, (-failed), source_ip, domain);
CREATE INDEX source_verdict_domain ON source_verdict (domain, severity, (-failed), source_ip);
CREATE INDEX source_verdict_messages ON source_verdict ((-messages), (-failed), source_ip, domain);
CREATE INDEX source_verdict_failed ON source_verdict ((-failed), (-messages), source_ip, domain);
CREATE INDEX source_verdict_last_day
    ON source_verdict ((date '2000-01-01' - last_day), (-failed), source_ip, domain);
CREATE INDEX source_verdict_address ON source_verdict (source_ip);
CREATE INDEX source_verdict_changed ON source_verdict (changed_at, source_ip, domain) WHERE changes <> '{}';

-- What a person said of an address or a service; of one domain, or (empty) of all.
CREATE TABLE source_standing (
    domain   text        NOT NULL,
    kind     text        NOT NULL CHECK (kind IN ('address', 'service')),
    target   text        NOT NULL,
    standing text        NOT NULL CHECK (standing IN ('ours', 'not_ours', 'ignore')),
    note     text        NOT NULL DEFAULT '',
    who      text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, target, domain)
);

-- The standing that counts: of the address before that of the service, of the domain before that of all.
CREATE FUNCTION standing_of(of_domain text, address inet, of_service text) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT standing FROM source_standing
    WHERE domain IN (of_domain, '')
        AND (kind = 'address' AND target = host(address) OR kind = 'service' AND target = of_service)
    ORDER BY kind, domain DESC
    LIMIT 1
$$;

-- Who gets another name or another standing is judged again.
CREATE FUNCTION source_named() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE source_verdict SET verdict = NULL
    FROM came JOIN went USING (source_ip)
    WHERE source_verdict.source_ip = came.source_ip AND came.service IS DISTINCT FROM went.service;
    RETURN NULL;
END
$$;
CREATE TRIGGER source_named AFTER UPDATE ON source REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION source_named();

CREATE FUNCTION source_standing_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    said source_standing := coalesce(NEW, OLD);
BEGIN
    UPDATE source_verdict SET verdict = NULL
    WHERE (said.domain = '' OR domain = said.domain)
        AND (said.kind = 'address' AND source_ip = said.target::inet
            OR said.kind = 'service' AND source_ip IN (SELECT source_ip FROM source WHERE service = said.target));
    RETURN NULL;
END
$$;
CREATE TRIGGER source_standing_changed AFTER INSERT OR UPDATE OR DELETE ON source_standing
FOR EACH ROW EXECUTE FUNCTION source_standing_changed();

-- A domain that passed for the first time may give its source another name.
CREATE FUNCTION source_identity_came() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE source SET named_with = NULL
    WHERE named_with IS NOT NULL AND source_ip IN (
        SELECT source_ip FROM came WHERE passed AND mechanism <> 'from'
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER source_identity_came AFTER INSERT ON source_identity REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION source_identity_came();

-- Notes the sources of these reports. To note them twice changes nothing. Grouped by hash: JSON is slow to sort.
CREATE FUNCTION add_to_sources(reports bigint[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off SET enable_sort = off SET work_mem = '64MB'
AS $$
    INSERT INTO source_domain AS known (domain, first_day, last_day)
    SELECT domain, min(day), max(day)
    FROM overview_report_share WHERE report = ANY(reports) AND day <= (now() AT TIME ZONE 'UTC')::date
    GROUP BY domain
    ON CONFLICT (domain) DO UPDATE SET
        first_day = least(known.first_day, excluded.first_day), last_day = greatest(known.last_day, excluded.last_day),
        due = true
    WHERE NOT known.due OR excluded.first_day < known.first_day OR excluded.last_day > known.last_day;

    WITH seen AS MATERIALIZED (
        SELECT source_ip, domain, dkim_results, spf_results, header_from, bool_or(passed > 0) AS is_passed,
            min(day) AS first_day, max(day) AS last_day
        FROM overview_record_share WHERE report = ANY(reports)
        GROUP BY source_ip, domain, dkim_results, spf_results, header_from
    ), sources AS (
        INSERT INTO source AS known (source_ip, first_day, last_day)
        SELECT source_ip, min(first_day), max(last_day) FROM seen GROUP BY source_ip
        ON CONFLICT (source_ip) DO UPDATE SET
            first_day = least(known.first_day, excluded.first_day),
            last_day = greatest(known.last_day, excluded.last_day)
        WHERE excluded.first_day < known.first_day OR excluded.last_day > known.last_day
    ), named AS (
        SELECT source_ip, domain, 'dkim' AS mechanism, one ->> 'domain' AS name, one ->> 'selector' AS selector,
            one ->> 'result' AS result, first_day, last_day
        FROM seen CROSS JOIN LATERAL jsonb_array_elements(dkim_results) AS one
        UNION ALL
        SELECT source_ip, domain, 'spf', one ->> 'domain', '', one ->> 'result', first_day, last_day
        FROM seen CROSS JOIN LATERAL jsonb_array_elements(spf_results) AS one
        UNION ALL
        SELECT source_ip, domain, 'from', header_from, '', CASE WHEN is_passed THEN 'pass' END, first_day, last_day
        FROM seen WHERE header_from <> domain
    )
    INSERT INTO source_identity AS known
    SELECT source_ip, domain, mechanism, left(lower(name), 253), left(coalesce(selector, ''), 253),
        result IS NOT DISTINCT FROM 'pass', min(first_day), max(last_day)
    FROM named
    WHERE name <> '' AND (result = 'pass' OR name = domain OR right(name, length(domain) + 1) = '.' || domain)
    GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (source_ip, domain, mechanism, name, selector, passed) DO UPDATE SET
        first_day = least(known.first_day, excluded.first_day), last_day = greatest(known.last_day, excluded.last_day)
    WHERE excluded.first_day < known.first_day OR excluded.last_day > known.last_day;
$$;

CREATE OR REPLACE FUNCTION add_to_overview(reports bigint[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
    INSERT INTO overview_domain AS old
    SELECT day, mailbox_id, domain, count(*), saturated(sum(messages)), saturated(sum(passed)),
        saturated(sum(quarantined)), saturated(sum(rejected)), max(last_end)
    FROM overview_report_share WHERE report = ANY(reports)
    GROUP BY day, mailbox_id, domain
    ON CONFLICT (day, mailbox_id, domain) DO UPDATE SET
        reports = old.reports + excluded.reports, messages = saturated(old.messages::numeric + excluded.messages),
        passed = saturated(old.passed::numeric + excluded.passed),
        quarantined = saturated(old.quarantined::numeric + excluded.quarantined),
        rejected = saturated(old.rejected::numeric + excluded.rejected),
        last_end = greatest(old.last_end, excluded.last_end);

    INSERT INTO overview_reporter AS old
    SELECT day, mailbox_id, org_name, count(*), saturated(sum(messages)), saturated(sum(passed)), max(last_end)
    FROM overview_report_share WHERE report = ANY(reports)
    GROUP BY day, mailbox_id, org_name
    ON CONFLICT (day, mailbox_id, md5(org_name)) DO UPDATE SET
        reports = old.reports + excluded.reports, messages = saturated(old.messages::numeric + excluded.messages),
        passed = saturated(old.passed::numeric + excluded.passed), last_end = greatest(old.last_end, excluded.last_end);

    WITH sums AS MATERIALIZED (
        SELECT day, mailbox_id, domain, source_ip, saturated(sum(messages)) AS messages,
            saturated(sum(passed)) AS passed, min(header_from) AS header_from, saturated(sum(dkim)) AS dkim,
            saturated(sum(spf)) AS spf, saturated(sum(quarantined)) AS quarantined,
            saturated(sum(rejected)) AS rejected, saturated(sum(overridden)) AS overridden
        FROM overview_record_share WHERE report = ANY(reports)
        GROUP BY day, mailbox_id, domain, source_ip
    ), added AS (
        INSERT INTO overview_source AS old
        SELECT * FROM sums
        ON CONFLICT (domain, day, mailbox_id, source_ip) DO UPDATE SET
            messages = saturated(old.messages::numeric + excluded.messages),
            passed = saturated(old.passed::numeric + excluded.passed),
            header_from = least(old.header_from, excluded.header_from),
            dkim = saturated(old.dkim::numeric + excluded.dkim), spf = saturated(old.spf::numeric + excluded.spf),
            quarantined = saturated(old.quarantined::numeric + excluded.quarantined),
            rejected = saturated(old.rejected::numeric + excluded.rejected),
            overridden = saturated(old.overridden::numeric + excluded.overridden)
    )
    UPDATE overview_domain AS old SET dkim = saturated(old.dkim::numeric + more.dkim),
        spf = saturated(old.spf::numeric + more.spf)
    FROM (
        SELECT day, mailbox_id, domain, sum(dkim) AS dkim, sum(spf) AS spf FROM sums GROUP BY day, mailbox_id, domain
    ) AS more
    WHERE (old.day, old.mailbox_id, old.domain) = (more.day, more.mailbox_id, more.domain);

    SELECT add_to_sources(reports);
$$;

CREATE OR REPLACE FUNCTION renew_overview(on_day date, of_mailbox text, of_domain text, of_reporter text) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
    DELETE FROM overview_domain WHERE day = on_day AND mailbox_id = of_mailbox AND domain = of_domain;
    INSERT INTO overview_domain
    SELECT day, mailbox_id, domain, count(*), saturated(sum(messages)), saturated(sum(passed)),
        saturated(sum(quarantined)), saturated(sum(rejected)), max(last_end)
    FROM overview_report_share
    WHERE begin >= on_day::timestamp AT TIME ZONE 'UTC' AND begin < (on_day + 1)::timestamp AT TIME ZONE 'UTC'
        AND mailbox_id = of_mailbox AND domain = of_domain AND report NOT IN (SELECT report FROM overview_due)
    GROUP BY day, mailbox_id, domain;

    DELETE FROM overview_reporter WHERE day = on_day AND mailbox_id = of_mailbox AND org_name = of_reporter;
    INSERT INTO overview_reporter
    SELECT day, mailbox_id, org_name, count(*), saturated(sum(messages)), saturated(sum(passed)), max(last_end)
    FROM overview_report_share
    WHERE begin >= on_day::timestamp AT TIME ZONE 'UTC' AND begin < (on_day + 1)::timestamp AT TIME ZONE 'UTC'
        AND mailbox_id = of_mailbox AND org_name = of_reporter AND report NOT IN (SELECT report FROM overview_due)
    GROUP BY day, mailbox_id, org_name;

    DELETE FROM overview_source WHERE day = on_day AND mailbox_id = of_mailbox AND domain = of_domain;
    INSERT INTO overview_source
    SELECT day, mailbox_id, domain, source_ip, saturated(sum(messages)), saturated(sum(passed)), min(header_from),
        saturated(sum(dkim)), saturated(sum(spf)), saturated(sum(quarantined)), saturated(sum(rejected)),
        saturated(sum(overridden))
    FROM overview_record_share
    WHERE begin >= on_day::timestamp AT TIME ZONE 'UTC' AND begin < (on_day + 1)::timestamp AT TIME ZONE 'UTC'
        AND record_begin >= on_day::timestamp AT TIME ZONE 'UTC'
        AND record_begin < (on_day + 1)::timestamp AT TIME ZONE 'UTC'
        AND mailbox_id = of_mailbox AND domain = of_domain AND report NOT IN (SELECT report FROM overview_due)
    GROUP BY day, mailbox_id, domain, source_ip;

    UPDATE overview_domain AS old SET dkim = more.dkim, spf = more.spf
    FROM (
        SELECT saturated(coalesce(sum(dkim), 0)) AS dkim, saturated(coalesce(sum(spf), 0)) AS spf
        FROM overview_source WHERE day = on_day AND mailbox_id = of_mailbox AND domain = of_domain
    ) AS more
    WHERE day = on_day AND mailbox_id = of_mailbox AND domain = of_domain;

    UPDATE source_domain SET due = true WHERE domain = of_domain AND NOT due;
$$;

-- Forgets the sources of rows that are no longer kept, too.
CREATE OR REPLACE FUNCTION drop_record_partitions(keep_months integer) RETURNS text[]
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
REVOKE EXECUTE ON FUNCTION add_to_sources(bigint[]), source_named(), source_standing_changed(), source_identity_came()
FROM PUBLIC;

-- What is stored already. The sums of messages stay as they are, so those by month do.
LOCK TABLE overview_source IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE overview_source DISABLE TRIGGER USER;
UPDATE overview_source AS known SET dkim = more.dkim, spf = more.spf, quarantined = more.quarantined,
    rejected = more.rejected, overridden = more.overridden
FROM (
    SELECT day, mailbox_id, domain, source_ip, saturated(sum(dkim)) AS dkim, saturated(sum(spf)) AS spf,
        saturated(sum(quarantined)) AS quarantined, saturated(sum(rejected)) AS rejected,
        saturated(sum(overridden)) AS overridden
    FROM overview_record_share
    WHERE report NOT IN (SELECT report FROM overview_due)
    GROUP BY day, mailbox_id, domain, source_ip
) AS more
WHERE (known.domain, known.day, known.mailbox_id, known.source_ip)
    = (more.domain, more.day, more.mailbox_id, more.source_ip);
ALTER TABLE overview_source ENABLE TRIGGER USER;
UPDATE overview_domain AS known SET dkim = more.dkim, spf = more.spf
FROM (
    SELECT day, mailbox_id, domain, saturated(sum(dkim)) AS dkim, saturated(sum(spf)) AS spf
    FROM overview_source GROUP BY day, mailbox_id, domain
) AS more
WHERE (known.day, known.mailbox_id, known.domain) = (more.day, more.mailbox_id, more.domain);

DO $$
DECLARE
    batch bigint[];
    after bigint := -1;
BEGIN
    LOOP
        SELECT array_agg(id ORDER BY id) INTO batch FROM (
            SELECT id FROM report WHERE id > after AND kind = 'aggregate' AND NOT variant ORDER BY id LIMIT 10000
        ) AS next;
        EXIT WHEN batch IS NULL;
        PERFORM add_to_sources(batch);
        after := batch[cardinality(batch)];
    END LOOP;
END
$$;
