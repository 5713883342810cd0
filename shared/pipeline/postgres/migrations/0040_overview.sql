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
    header_from text                                -- one of the domains it sent for
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX overview_source_key ON overview_source (domain, day, mailbox_id, source_ip);
CREATE INDEX overview_source_day ON overview_source (day, source_ip);

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
    record.header_from, share.begin, record.begin AS record_begin
FROM overview_report_share AS share
JOIN record ON record.report = share.report AND record.begin = share.begin;

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

    INSERT INTO overview_source AS old
    SELECT day, mailbox_id, domain, source_ip, saturated(sum(messages)), saturated(sum(passed)), min(header_from)
    FROM overview_record_share WHERE report = ANY(reports)
    GROUP BY day, mailbox_id, domain, source_ip
    ON CONFLICT (domain, day, mailbox_id, source_ip) DO UPDATE SET
        messages = saturated(old.messages::numeric + excluded.messages),
        passed = saturated(old.passed::numeric + excluded.passed),
        header_from = least(old.header_from, excluded.header_from);
$$;

-- Adds what is due, the oldest first, to the sums: one report, or more of them with so many records together. Says how
-- many reports; none while another one folds.
CREATE FUNCTION fold_overview(records bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    folded bigint[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(x'646D616F'::integer) THEN
        RETURN 0;
    END IF;
    WITH oldest AS (
        SELECT due.report, coalesce(report.record_count, 0) AS size
        FROM (SELECT report FROM overview_due ORDER BY report LIMIT 10000) AS due
        LEFT JOIN report ON report.id = due.report
    ), counted AS (
        SELECT report, sum(size) OVER (ORDER BY report) - size AS before FROM oldest
    ), gone AS (
        DELETE FROM overview_due
        WHERE report IN (SELECT report FROM counted WHERE before <= records)
        RETURNING report
    )
    SELECT array_agg(report) INTO folded FROM gone;
    IF folded IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM add_to_overview(folded);
    RETURN cardinality(folded);
END
$$;
-- Makes the sums of a day and some names anew, from what is stored and not due.
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
    SELECT day, mailbox_id, domain, source_ip, saturated(sum(messages)), saturated(sum(passed)), min(header_from)
    FROM overview_record_share
    WHERE begin >= on_day::timestamp AT TIME ZONE 'UTC' AND begin < (on_day + 1)::timestamp AT TIME ZONE 'UTC'
        AND record_begin >= on_day::timestamp AT TIME ZONE 'UTC'
        AND record_begin < (on_day + 1)::timestamp AT TIME ZONE 'UTC'
        AND mailbox_id = of_mailbox AND domain = of_domain AND report NOT IN (SELECT report FROM overview_due)
    GROUP BY day, mailbox_id, domain, source_ip;
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

-- A report that goes: the sums it was part of are made anew.
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

-- A report that changes: the sums it was part of are made anew without it, and it is due again.
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

-- What is stored already.
INSERT INTO overview_domain
SELECT day, mailbox_id, domain, count(*), saturated(sum(messages)), saturated(sum(passed)),
    saturated(sum(quarantined)), saturated(sum(rejected)), max(last_end)
FROM overview_report_share
GROUP BY day, mailbox_id, domain;
INSERT INTO overview_reporter
SELECT day, mailbox_id, org_name, count(*), saturated(sum(messages)), saturated(sum(passed)), max(last_end)
FROM overview_report_share
GROUP BY day, mailbox_id, org_name;
INSERT INTO overview_source
SELECT day, mailbox_id, domain, source_ip, saturated(sum(messages)), saturated(sum(passed)), min(header_from)
FROM overview_record_share
GROUP BY day, mailbox_id, domain, source_ip;
