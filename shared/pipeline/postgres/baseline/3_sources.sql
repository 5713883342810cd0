-- Sources: the addresses that send as a domain, what they authenticated as, whose they are, and what they are to the
-- domain. Everything here is made behind storing: by the fold of the overview, and by a chore of the parser.

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
-- Most of what a report says of its sources was said before, and is left alone: an insert that meets a known row would
-- lock it, which is a write.
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
REVOKE EXECUTE ON FUNCTION add_to_sources(bigint[]), source_named(), source_standing_changed(), source_identity_came()
FROM PUBLIC;

-- What DNS says of a domain, with its history: a row for as long as its records stay the same.
CREATE TABLE domain_dns (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain   text        NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at  timestamptz NOT NULL DEFAULT now(),
    records  jsonb       NOT NULL,                  -- [kind, name, records], what is compared
    found    jsonb       NOT NULL                   -- the records with what they mean
);
CREATE INDEX domain_dns_domain ON domain_dns (domain, id DESC);

-- When a domain's DNS was asked for last, and why it was not answered ('' where it was).
CREATE TABLE domain_dns_asked (
    domain   text        PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT now(),
    problem  text        NOT NULL DEFAULT ''
);

-- Keeps an answer. What DNS did not answer stays as it was; of each domain the last 100 changes are kept.
CREATE FUNCTION keep_domain_dns(of_domain text, answer jsonb, why_not text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    latest domain_dns;
    merged jsonb;
    compared jsonb;
BEGIN
    INSERT INTO domain_dns_asked (domain, problem) VALUES (of_domain, left(why_not, 500))
    ON CONFLICT (domain) DO UPDATE SET asked_at = now(), problem = excluded.problem;
    IF why_not <> '' THEN
        RETURN;
    END IF;
    SELECT * INTO latest FROM domain_dns WHERE domain = of_domain ORDER BY id DESC LIMIT 1 FOR UPDATE;
    SELECT jsonb_agg(known ORDER BY place), jsonb_agg(
            jsonb_build_array(known -> 'kind', known -> 'name', known -> 'records') ORDER BY known ->> 'kind', known ->> 'name'
        )
    INTO merged, compared
    FROM (
        SELECT place, CASE WHEN one ->> 'verdict' = 'unknown' THEN coalesce((
            SELECT old FROM jsonb_array_elements(latest.found) AS old
            WHERE old ->> 'kind' = one ->> 'kind' AND (one ->> 'kind' <> 'dkim' OR old ->> 'name' = one ->> 'name')
            LIMIT 1
        ), one) ELSE one END AS known
        FROM jsonb_array_elements(answer) WITH ORDINALITY AS each (one, place)
    ) AS parts;
    IF latest.records = compared THEN
        UPDATE domain_dns SET last_at = now(), found = merged WHERE id = latest.id;
        RETURN;
    END IF;
    INSERT INTO domain_dns (domain, records, found) VALUES (of_domain, coalesce(compared, '[]'), coalesce(merged, '[]'));
    DELETE FROM domain_dns WHERE domain = of_domain AND id NOT IN (
        SELECT id FROM domain_dns WHERE domain = of_domain ORDER BY id DESC LIMIT 100
    );
END
$$;
REVOKE EXECUTE ON FUNCTION keep_domain_dns(text, jsonb, text) FROM PUBLIC;

-- The keys that a domain signed with in the last 60 days that were reported on, the latest first; the first 20.
CREATE FUNCTION dkim_keys(of_domain text) RETURNS TABLE (selector text, domain text)
LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$
    SELECT known.selector, known.name
    FROM source_identity AS known
    WHERE known.domain = of_domain AND mechanism = 'dkim' AND known.selector <> '' AND passed
        AND (known.name = of_domain OR right(known.name, length(of_domain) + 1) = '.' || of_domain)
        AND known.last_day > (SELECT last_day FROM source_domain WHERE source_domain.domain = of_domain) - 60
    GROUP BY known.selector, known.name
    ORDER BY max(known.last_day) DESC, count(*) DESC, known.name, known.selector LIMIT 20
$$;
