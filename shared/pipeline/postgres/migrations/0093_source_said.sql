-- Adding reports to the sums, and noting their sources, costs less.
--
-- Rows are looked up report by report: told of all reports at once, PostgreSQL read every row there is and searched the
-- list of reports for each.

-- What rows said of an address before: a hash of address, domain, results and sender, and the days on which that was said.
-- What is here is noted in `source` and `source_identity`. Nearly every row says what was said before, and costs one look
-- here. Empty after a crash, which only has it noted again.
CREATE UNLOGGED TABLE source_said (
    said      bigint PRIMARY KEY,
    first_day date   NOT NULL,
    last_day  date   NOT NULL
) WITH (fillfactor = 80);

CREATE OR REPLACE FUNCTION add_to_overview(reports bigint[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
    INSERT INTO overview_domain AS old
    SELECT day, mailbox_id, domain, count(*), saturated(sum(messages)), saturated(sum(passed)),
        saturated(sum(quarantined)), saturated(sum(rejected)), max(last_end)
    FROM unnest(reports) AS due
    CROSS JOIN LATERAL (SELECT * FROM overview_report_share WHERE report = due OFFSET 0) AS share
    GROUP BY day, mailbox_id, domain
    ON CONFLICT (day, mailbox_id, domain) DO UPDATE SET
        reports = old.reports + excluded.reports, messages = saturated(old.messages::numeric + excluded.messages),
        passed = saturated(old.passed::numeric + excluded.passed),
        quarantined = saturated(old.quarantined::numeric + excluded.quarantined),
        rejected = saturated(old.rejected::numeric + excluded.rejected),
        last_end = greatest(old.last_end, excluded.last_end);

    INSERT INTO overview_reporter AS old
    SELECT day, mailbox_id, org_name, count(*), saturated(sum(messages)), saturated(sum(passed)), max(last_end)
    FROM unnest(reports) AS due
    CROSS JOIN LATERAL (SELECT * FROM overview_report_share WHERE report = due OFFSET 0) AS share
    GROUP BY day, mailbox_id, org_name
    ON CONFLICT (day, mailbox_id, md5(org_name)) DO UPDATE SET
        reports = old.reports + excluded.reports, messages = saturated(old.messages::numeric + excluded.messages),
        passed = saturated(old.passed::numeric + excluded.passed), last_end = greatest(old.last_end, excluded.last_end);

    WITH sums AS MATERIALIZED (
        SELECT day, mailbox_id, domain, source_ip, saturated(sum(messages)) AS messages,
            saturated(sum(passed)) AS passed, min(header_from) AS header_from, saturated(sum(dkim)) AS dkim,
            saturated(sum(spf)) AS spf, saturated(sum(quarantined)) AS quarantined,
            saturated(sum(rejected)) AS rejected, saturated(sum(overridden)) AS overridden
        FROM unnest(reports) AS due
        CROSS JOIN LATERAL (SELECT * FROM overview_record_share WHERE report = due OFFSET 0) AS share
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

-- Each kind of look-up is fixed by its form (OFFSET 0); other joins are by hash.
CREATE OR REPLACE FUNCTION add_to_sources(reports bigint[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp SET enable_nestloop = off SET enable_mergejoin = off
SET enable_seqscan = off SET enable_sort = off SET work_mem = '64MB'
AS $$
    INSERT INTO source_domain AS known (domain, first_day, last_day)
    SELECT domain, min(day), max(day)
    FROM unnest(reports) AS due
    CROSS JOIN LATERAL (SELECT domain, day FROM overview_report_share WHERE report = due OFFSET 0) AS share
    WHERE day <= (now() AT TIME ZONE 'UTC')::date
    GROUP BY domain
    ON CONFLICT (domain) DO UPDATE SET
        first_day = least(known.first_day, excluded.first_day), last_day = greatest(known.last_day, excluded.last_day),
        due = true
    WHERE NOT known.due OR excluded.first_day < known.first_day OR excluded.last_day > known.last_day;

    WITH heard AS MATERIALIZED (
        SELECT source_ip, domain, dkim_results, spf_results, header_from, is_passed, day,
            hash_record_extended(ROW(source_ip, domain, dkim_results, spf_results, header_from, is_passed), 0) AS said
        FROM unnest(reports) AS due
        CROSS JOIN LATERAL (
            SELECT source_ip, domain, dkim_results, spf_results, header_from, passed > 0 AS is_passed, day
            FROM overview_record_share WHERE report = due OFFSET 0
        ) AS share
    ), news AS MATERIALIZED (
        SELECT said, first_day, last_day
        FROM (SELECT said, min(day) AS first_day, max(day) AS last_day FROM heard GROUP BY said) AS each
        WHERE NOT EXISTS (
            SELECT FROM source_said AS old
            WHERE old.said = each.said AND old.first_day <= each.first_day AND old.last_day >= each.last_day
            OFFSET 0
        )
    ), remembered AS (
        INSERT INTO source_said AS known
        SELECT said, first_day, last_day FROM news
        ON CONFLICT (said) DO UPDATE SET
            first_day = least(known.first_day, excluded.first_day),
            last_day = greatest(known.last_day, excluded.last_day)
    ), seen AS MATERIALIZED (
        SELECT source_ip, domain, dkim_results, spf_results, header_from, bool_or(is_passed) AS is_passed,
            min(day) AS first_day, max(day) AS last_day
        FROM heard JOIN news USING (said)
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
    ), identities AS MATERIALIZED (
        SELECT source_ip, domain, mechanism, left(lower(name), 253) AS name,
            left(coalesce(selector, ''), 253) AS selector, result IS NOT DISTINCT FROM 'pass' AS passed,
            min(first_day) AS first_day, max(last_day) AS last_day
        FROM named
        WHERE name <> '' AND (result = 'pass' OR name = domain OR right(name, length(domain) + 1) = '.' || domain)
        GROUP BY 1, 2, 3, 4, 5, 6
    )
    INSERT INTO source_identity AS known
    SELECT * FROM identities
    ON CONFLICT (source_ip, domain, mechanism, name, selector, passed) DO UPDATE SET
        first_day = least(known.first_day, excluded.first_day), last_day = greatest(known.last_day, excluded.last_day)
    WHERE excluded.first_day < known.first_day OR excluded.last_day > known.last_day;
$$;

-- What is forgotten is not remembered as noted.
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
    DELETE FROM source_said WHERE last_day < since_day;
    DELETE FROM source_verdict WHERE last_day < since_day;
    DELETE FROM source WHERE last_day < since_day;
    RETURN dropped;
END
$$;
