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
