-- What the overview shows, added up by day, so that its cost grows with days and names and not with reports.
--
-- The rule: the sums hold exactly the aggregate reports that are no variants and are not in `overview_due`. Triggers on
-- `report` keep it in the transaction that writes, whoever writes; a new report only costs its number in
-- `overview_due`, where nobody waits for anybody. `fold_overview` adds those to the sums later, many at a time. Readers
-- take sums and what is due together (the views `..._now`), in one statement, and so never see less than was committed.
--
-- Only who holds the advisory lock "dmao" changes sums. It is taken before any row of `overview_due`.
-- A sum that no bigint holds ends at the largest one, as in `report`: honest counts never come near it.
CREATE FUNCTION saturated(total numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(greatest(total, -9223372036854775807), 9223372036854775807)::bigint;

CREATE TABLE overview_due (
    report bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

CREATE TABLE overview_domain (
    day         date        NOT NULL,               -- UTC, on which the reports begin
    mailbox_id  text        NOT NULL,
    domain      text        NOT NULL,
    reports     bigint      NOT NULL,
    messages    bigint      NOT NULL,
    passed      bigint      NOT NULL,
    quarantined bigint      NOT NULL,
    rejected    bigint      NOT NULL,
    last_end    timestamptz NOT NULL,
    dkim        bigint      NOT NULL DEFAULT 0,     -- this and the next: sums of those by source
    spf         bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (day, mailbox_id, domain)
) WITH (fillfactor = 80);

CREATE TABLE overview_reporter (
    day        date        NOT NULL,
    mailbox_id text        NOT NULL,
    org_name   text        NOT NULL,
    reports    bigint      NOT NULL,
    messages   bigint      NOT NULL,
    passed     bigint      NOT NULL,
    last_end   timestamptz NOT NULL
) WITH (fillfactor = 80);
-- A name may be longer than an entry of an index can be.
CREATE UNIQUE INDEX overview_reporter_key ON overview_reporter (day, mailbox_id, md5(org_name));

CREATE TABLE overview_source (
    day         date    NOT NULL,
    mailbox_id  text    NOT NULL,
    domain      text    NOT NULL,
    source_ip   inet    NOT NULL,                   -- 0.0.0.0/0, which is no address, for rows without one
    messages    bigint  NOT NULL,
    passed      bigint  NOT NULL,
    header_from text,                               -- one of the domains it sent for
    dkim        bigint  NOT NULL DEFAULT 0,         -- messages with aligned DKIM, and with aligned SPF
    spf         bigint  NOT NULL DEFAULT 0,
    quarantined bigint  NOT NULL DEFAULT 0,
    rejected    bigint  NOT NULL DEFAULT 0,
    overridden  bigint  NOT NULL DEFAULT 0          -- what reporters call forwarded or from a mailing list
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX overview_source_key ON overview_source (domain, day, mailbox_id, source_ip);
CREATE INDEX overview_source_day ON overview_source (day, source_ip);
CREATE INDEX overview_source_address ON overview_source (source_ip);

-- Sums, and what is not in them yet.
CREATE VIEW overview_domain_now AS
SELECT day, mailbox_id, domain, reports, messages, passed, quarantined, rejected, last_end FROM overview_domain
UNION ALL
SELECT day, mailbox_id, domain, 1, messages, passed, quarantined, rejected, last_end
FROM overview_report_share WHERE report IN (SELECT report FROM overview_due);

CREATE VIEW overview_reporter_now AS
SELECT day, mailbox_id, org_name, reports, messages, passed, last_end FROM overview_reporter
UNION ALL
SELECT day, mailbox_id, org_name, 1, messages, passed, last_end
FROM overview_report_share WHERE report IN (SELECT report FROM overview_due);

CREATE VIEW overview_source_now AS
SELECT day, mailbox_id, domain, source_ip, messages, passed, header_from FROM overview_source
UNION ALL
SELECT day, mailbox_id, domain, source_ip, messages, passed, header_from
FROM overview_record_share WHERE report IN (SELECT report FROM overview_due);

-- Adds these reports to the sums. Their rows are looked up by the index of their month; the planner, which does not know
-- that each report is in one month only, would rather read all months.
CREATE FUNCTION add_to_overview(reports bigint[]) RETURNS void
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

-- Adds what is due, the oldest first, to the sums: one report, or more of them with so many records together. Says how
-- many reports; none while another one folds.
-- What is due is chosen once, and then taken: as one statement, a planner who was told that nothing is due would choose
-- again for each report. Only who holds the lock takes anything out, so that nothing comes in between.
CREATE FUNCTION fold_overview(records bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    folded bigint[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(x'646D616F'::integer) THEN
        RETURN 0;
    END IF;
    WITH oldest AS MATERIALIZED (
        SELECT due.report, coalesce(report.record_count, 0) AS size
        FROM (SELECT report FROM overview_due ORDER BY report LIMIT 10000) AS due
        LEFT JOIN report ON report.id = due.report
    ), counted AS MATERIALIZED (
        SELECT report, sum(size) OVER (ORDER BY report) - size AS before FROM oldest
    )
    SELECT array_agg(report) INTO folded FROM counted WHERE before <= records;
    IF folded IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM overview_due WHERE report = ANY(folded);
    PERFORM add_to_overview(folded);
    RETURN cardinality(folded);
END
$$;

-- Makes the sums of a day and some names again, from what is stored and not due.
CREATE FUNCTION renew_overview(on_day date, of_mailbox text, of_domain text, of_reporter text) RETURNS void
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
REVOKE EXECUTE ON FUNCTION add_to_overview(bigint[]), fold_overview(bigint), renew_overview(date, text, text, text)
FROM PUBLIC;

-- A new report is due.
CREATE FUNCTION overview_takes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO overview_due SELECT id FROM came WHERE kind = 'aggregate' AND NOT variant ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- A report that goes: the sums it was part of are made again.
CREATE FUNCTION overview_gives_up() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'646D616F'::integer);
    DELETE FROM overview_due WHERE report IN (SELECT id FROM went);
    PERFORM renew_overview(day, mailbox_id, domain, org_name)
    FROM (
        SELECT DISTINCT (begin AT TIME ZONE 'UTC')::date AS day, mailbox_id, domain, org_name
        FROM went WHERE kind = 'aggregate' AND NOT variant
    ) AS sums;
    RETURN NULL;
END
$$;

-- A report that changes: the sums it was part of are made again without it, and it is due again.
CREATE FUNCTION overview_corrects() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    changed bigint[];
BEGIN
    SELECT array_agg(came.id) INTO changed
    FROM went JOIN came USING (id)
    WHERE (went.kind, went.variant, went.mailbox_id, went.domain, went.org_name, went.begin, went."end",
            went.message_count, went.passed, went.quarantined, went.rejected)
        IS DISTINCT FROM (came.kind, came.variant, came.mailbox_id, came.domain, came.org_name, came.begin, came."end",
            came.message_count, came.passed, came.quarantined, came.rejected);
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(x'646D616F'::integer);
    DELETE FROM overview_due WHERE report = ANY(changed);
    INSERT INTO overview_due SELECT id FROM came WHERE id = ANY(changed) AND kind = 'aggregate' AND NOT variant;
    PERFORM renew_overview(day, mailbox_id, domain, org_name)
    FROM (
        SELECT DISTINCT (begin AT TIME ZONE 'UTC')::date AS day, mailbox_id, domain, org_name
        FROM went WHERE id = ANY(changed) AND kind = 'aggregate' AND NOT variant
    ) AS sums;
    RETURN NULL;
END
$$;

CREATE TRIGGER overview_takes AFTER INSERT ON report REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION overview_takes();
CREATE TRIGGER overview_gives_up AFTER DELETE ON report REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION overview_gives_up();
CREATE TRIGGER overview_corrects AFTER UPDATE ON report REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION overview_corrects();

-- The messages of each address in each month: the roll-up of `overview_source` over days, mailboxes and domains. Nearly
-- all of the many addresses of a period sent next to nothing, and from this a reader knows which ones cannot be among
-- those with most messages, without adding them up (`sources.sql` in config-api).
--
-- Triggers on `overview_source` keep it in the transaction that writes, whoever writes. An address that is not there has
-- no messages. A numeric takes the sum of any number of bigints, so that nothing is lost when parts are taken away again.
-- A report may say a negative number of messages, so that some days of a month may have more than all of it: `most` is
-- what no days of the month have more than.
CREATE TABLE overview_source_month (
    month     date    NOT NULL,                     -- its first day
    source_ip inet    NOT NULL,                     -- as in overview_source
    messages  numeric NOT NULL,
    most      numeric NOT NULL,
    PRIMARY KEY (month, source_ip)
) WITH (fillfactor = 80);
CREATE INDEX overview_source_month_most ON overview_source_month (month, most);

CREATE FUNCTION overview_source_adds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO overview_source_month AS known
    SELECT date_trunc('month', day::timestamp)::date, source_ip, sum(messages), sum(greatest(messages, 0))
    FROM came
    GROUP BY 1, 2
    ON CONFLICT (month, source_ip) DO UPDATE SET
        messages = known.messages + excluded.messages, most = known.most + excluded.most;
    RETURN NULL;
END
$$;

CREATE FUNCTION overview_source_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO overview_source_month AS known
    SELECT date_trunc('month', day::timestamp)::date, source_ip, sum(messages), sum(most)
    FROM (
        SELECT day, source_ip, messages, greatest(messages, 0) AS most FROM came
        UNION ALL
        SELECT day, source_ip, -messages, -greatest(messages, 0) FROM went
    ) AS difference
    GROUP BY 1, 2
    ON CONFLICT (month, source_ip) DO UPDATE SET
        messages = known.messages + excluded.messages, most = known.most + excluded.most;
    RETURN NULL;
END
$$;

CREATE FUNCTION overview_source_takes_away() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE overview_source_month AS known
    SET messages = known.messages - gone.messages, most = known.most - gone.most
    FROM (
        SELECT date_trunc('month', day::timestamp)::date AS month, source_ip, sum(messages) AS messages,
            sum(greatest(messages, 0)) AS most
        FROM went
        GROUP BY 1, 2
    ) AS gone
    WHERE known.month = gone.month AND known.source_ip = gone.source_ip;
    DELETE FROM overview_source_month AS known
    USING (SELECT DISTINCT date_trunc('month', day::timestamp)::date AS month, source_ip FROM went) AS gone
    WHERE known.month = gone.month AND known.source_ip = gone.source_ip AND known.messages = 0 AND known.most = 0;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION overview_source_adds(), overview_source_changes(), overview_source_takes_away() FROM PUBLIC;

CREATE TRIGGER overview_source_adds AFTER INSERT ON overview_source REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION overview_source_adds();
CREATE TRIGGER overview_source_changes AFTER UPDATE ON overview_source REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION overview_source_changes();
CREATE TRIGGER overview_source_takes_away AFTER DELETE ON overview_source REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION overview_source_takes_away();
