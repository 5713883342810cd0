-- Noting sources costs less: most of what a report says of its sources was said before, and is left alone. An insert that
-- meets a known row would lock it, which is a write.
CREATE OR REPLACE FUNCTION add_to_sources(reports bigint[]) RETURNS void
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
    ), addresses AS MATERIALIZED (
        SELECT source_ip, min(first_day) AS first_day, max(last_day) AS last_day FROM seen GROUP BY source_ip
    ), sources AS (
        INSERT INTO source AS known (source_ip, first_day, last_day)
        SELECT source_ip, first_day, last_day FROM addresses
        WHERE NOT EXISTS (
            SELECT FROM source AS old WHERE old.source_ip = addresses.source_ip
                AND old.first_day <= addresses.first_day AND old.last_day >= addresses.last_day
        )
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
    WHERE NOT EXISTS (
        SELECT FROM source_identity AS old
        WHERE (old.source_ip, old.domain, old.mechanism, old.name, old.selector, old.passed)
            = (identities.source_ip, identities.domain, identities.mechanism, identities.name, identities.selector,
                identities.passed)
            AND old.first_day <= identities.first_day AND old.last_day >= identities.last_day
    )
    ON CONFLICT (source_ip, domain, mechanism, name, selector, passed) DO UPDATE SET
        first_day = least(known.first_day, excluded.first_day), last_day = greatest(known.last_day, excluded.last_day)
    WHERE excluded.first_day < known.first_day OR excluded.last_day > known.last_day;
$$;
