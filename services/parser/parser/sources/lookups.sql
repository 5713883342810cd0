-- name: claim_domain
-- A domain whose turn it is ($1: hours between two turns; only the $2 that are known longest), which is no other's then.
INSERT INTO domain_dns_asked AS asked (domain, problem)
SELECT known.domain, 'not answered yet'
FROM (SELECT domain FROM source_domain ORDER BY first_day, domain LIMIT $2) AS known
LEFT JOIN domain_dns_asked AS before USING (domain)
WHERE before.domain IS NULL
    OR before.asked_at < now() - CASE WHEN before.problem = '' THEN $1 ELSE least($1, 1) END * interval '1 hour'
ORDER BY before.asked_at NULLS FIRST, known.domain
LIMIT 1
ON CONFLICT (domain) DO UPDATE SET asked_at = now(), problem = excluded.problem
RETURNING domain;

-- name: question
-- What is asked of a domain ($1).
SELECT dns_question($1);

-- name: keep_domain
-- Keeps what was found ($2) of a domain ($1), or why nothing was ($3).
SELECT keep_domain_dns($1, $2::jsonb, $3);

-- name: claim_hosts
-- Some ($2) sources of late without a host name that is younger than $1 days; they are no other parser's for a while.
UPDATE source SET host_at = now() - make_interval(days => $1) + interval '1 hour'
WHERE source_ip IN (
    SELECT source_ip FROM source
    WHERE (host_at IS NULL OR host_at < now() - make_interval(days => $1)) AND source_ip <> '0.0.0.0/0'
        AND last_day > (now() AT TIME ZONE 'UTC')::date - 60
    ORDER BY host_at NULLS FIRST, last_day DESC, source_ip LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING host(source_ip) AS source_ip;

-- name: keep_hosts
-- Keeps the host names of addresses ($1), which may give them other services.
UPDATE source SET host = one.host, host_at = now(),
    named_with = CASE WHEN source.host IS DISTINCT FROM one.host THEN NULL ELSE source.named_with END
FROM jsonb_to_recordset($1::jsonb) AS one (source_ip inet, host text)
WHERE source.source_ip = one.source_ip;
