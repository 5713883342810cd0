-- The sources of each service and of each network together, of a domain and (domain '') of all, where there are so many that
-- a list could not add them up while somebody waits. The parser makes them, after it judged; it says which are kept.
--
-- `part` narrows a group: '' for all its sources, else the severity of a verdict ('0' to '5'), or whether any message fails
-- ('some_fail', 'all_pass').
CREATE TABLE source_group (
    domain          text     NOT NULL,
    kind            text     NOT NULL CHECK (kind IN ('service', 'network')),
    part            text     NOT NULL,
    key             text     NOT NULL,              -- a service's id or an AS number; '' for sources of none
    organisation    text,
    country         text,
    addresses       bigint   NOT NULL,
    domains         bigint   NOT NULL,
    messages        bigint   NOT NULL,
    passed          bigint   NOT NULL,
    failed          bigint   NOT NULL,
    messages_before bigint   NOT NULL,
    severity        smallint NOT NULL,              -- that of the source to look at first
    first_day       date     NOT NULL,
    last_day        date     NOT NULL,
    PRIMARY KEY (domain, kind, part, key)
) WITH (fillfactor = 80);

-- Whose groups are kept, whether they are to be made again, and how long that took.
CREATE TABLE source_group_kept (
    domain     text        PRIMARY KEY,
    due        boolean     NOT NULL DEFAULT true,
    grouped_at timestamptz NOT NULL DEFAULT '-infinity',  -- infinity's opposite: not made yet
    took_ms    bigint      NOT NULL DEFAULT 0
);

CREATE FUNCTION source_verdict_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE source_group_kept SET due = true WHERE NOT due AND (domain = '' OR domain IN (SELECT domain FROM changed));
    RETURN NULL;
END
$$;
CREATE TRIGGER source_verdict_came AFTER INSERT ON source_verdict REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION source_verdict_changed();
CREATE TRIGGER source_verdict_changed AFTER UPDATE ON source_verdict REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION source_verdict_changed();
CREATE TRIGGER source_verdict_went AFTER DELETE ON source_verdict REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION source_verdict_changed();

-- Who gets another service is judged again; who gets another network is grouped again.
CREATE OR REPLACE FUNCTION source_named() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE source_verdict SET verdict = NULL
    FROM came JOIN went USING (source_ip)
    WHERE source_verdict.source_ip = came.source_ip AND came.service IS DISTINCT FROM went.service;
    UPDATE source_group_kept SET due = true
    WHERE NOT due AND EXISTS (
        SELECT FROM came JOIN went USING (source_ip)
        WHERE (came.asn, came.organisation, came.country) IS DISTINCT FROM (went.asn, went.organisation, went.country)
    );
    RETURN NULL;
END
$$;

-- The groups of a domain, or ('') of all; an address that sends as several domains counts once.
CREATE FUNCTION source_groups_of(of_domain text) RETURNS SETOF source_group
LANGUAGE sql STABLE SET search_path = public, pg_temp SET work_mem = '64MB'
AS $$
    WITH rows AS MATERIALIZED (
        SELECT domain, coalesce(service, '') AS service, coalesce(asn::text, '') AS network, severity, failed > 0 AS fails,
            min(organisation) AS organisation, min(country) AS country, count(*) AS addresses, sum(messages) AS messages,
            sum(passed) AS passed, sum(failed) AS failed, sum(messages_before) AS messages_before,
            min(known.first_day) AS first_day, max(known.last_day) AS last_day
        FROM source_verdict AS known LEFT JOIN source USING (source_ip)
        WHERE of_domain = '' OR domain = of_domain
        GROUP BY 1, 2, 3, 4, 5
    ), by_domain AS (
        SELECT domain, kind, part, key, min(organisation) AS organisation, min(country) AS country,
            sum(addresses)::bigint AS addresses, sum(messages) AS messages, sum(passed) AS passed, sum(failed) AS failed,
            sum(messages_before) AS messages_before, min(severity) AS severity, min(first_day) AS first_day,
            max(last_day) AS last_day
        FROM rows
        CROSS JOIN LATERAL (VALUES ('service', service), ('network', network)) AS grouped (kind, key)
        CROSS JOIN LATERAL unnest(ARRAY['', severity::text, CASE WHEN fails THEN 'some_fail' ELSE 'all_pass' END]) AS part
        GROUP BY domain, kind, part, key
    ), addresses AS MATERIALIZED (
        SELECT coalesce(service, '') AS service, coalesce(asn::text, '') AS network, parts, count(*) AS addresses
        FROM (
            SELECT source_ip, bit_or((1 << severity) | CASE WHEN failed > 0 THEN 64 ELSE 128 END) AS parts
            FROM source_verdict WHERE of_domain = '' GROUP BY source_ip
        ) AS each LEFT JOIN source USING (source_ip)
        GROUP BY 1, 2, 3
    ), counted AS (
        SELECT kind, part, key, sum(addresses)::bigint AS addresses
        FROM addresses
        CROSS JOIN LATERAL (VALUES ('service', service), ('network', network)) AS grouped (kind, key)
        CROSS JOIN LATERAL (
            VALUES ('', 255), ('0', 1), ('1', 2), ('2', 4), ('3', 8), ('4', 16), ('5', 32), ('some_fail', 64),
                ('all_pass', 128)
        ) AS each (part, bit)
        WHERE parts & bit <> 0
        GROUP BY kind, part, key
    )
    SELECT of_domain, kind, part, key, min(organisation), min(country), coalesce(min(counted.addresses),
        min(by_domain.addresses)), count(*), saturated(sum(messages)), saturated(sum(passed)), saturated(sum(failed)),
        saturated(sum(messages_before)), min(severity), min(first_day), max(last_day)
    FROM by_domain LEFT JOIN counted USING (kind, part, key)
    GROUP BY kind, part, key
$$;

-- Makes the groups of a domain again, or ('') those of all.
CREATE FUNCTION group_sources(of_domain text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    UPDATE source_group_kept SET due = false WHERE domain = of_domain;
    WITH fresh AS MATERIALIZED (
        SELECT * FROM source_groups_of(of_domain)
    ), gone AS (
        DELETE FROM source_group AS known
        WHERE domain = of_domain AND NOT EXISTS (
            SELECT FROM fresh WHERE (fresh.kind, fresh.part, fresh.key) = (known.kind, known.part, known.key)
        )
    )
    INSERT INTO source_group AS known SELECT * FROM fresh
    ON CONFLICT (domain, kind, part, key) DO UPDATE SET
        organisation = excluded.organisation, country = excluded.country, addresses = excluded.addresses,
        domains = excluded.domains, messages = excluded.messages, passed = excluded.passed, failed = excluded.failed,
        messages_before = excluded.messages_before, severity = excluded.severity, first_day = excluded.first_day,
        last_day = excluded.last_day
    WHERE known IS DISTINCT FROM excluded;
    UPDATE source_group_kept SET grouped_at = clock_timestamp(),
        took_ms = 1000 * extract(epoch FROM clock_timestamp() - began)
    WHERE domain = of_domain;
END
$$;
REVOKE EXECUTE ON FUNCTION group_sources(text), source_groups_of(text), source_verdict_changed() FROM PUBLIC;
