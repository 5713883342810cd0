-- name: take_turn
-- Whether it is ours: one parser at a time.
SELECT pg_try_advisory_xact_lock(x'646D6173'::integer);

-- name: unnamed
-- Addresses that were not named with the data at hand ($1), with what they authenticated as; $2 of them.
SELECT source_ip::text AS source_ip, host,
    coalesce((
        SELECT jsonb_agg(DISTINCT jsonb_build_array(mechanism, name))
        FROM (
            SELECT mechanism, name FROM source_identity
            WHERE source_identity.source_ip = due.source_ip AND passed AND mechanism <> 'from'
            ORDER BY last_day DESC LIMIT 200
        ) AS latest
    ), '[]') AS identities
FROM (
    (SELECT source_ip, host FROM source WHERE named_with IS NULL LIMIT $2)
    UNION ALL
    (SELECT source_ip, host FROM source WHERE named_with < $1 LIMIT $2)
    UNION ALL
    (SELECT source_ip, host FROM source WHERE named_with > $1 LIMIT $2)
    LIMIT $2
) AS due;

-- name: name
-- Writes names, given as rows of JSON.
UPDATE source SET service = named.service, network = named.network, asn = named.asn,
    organisation = named.organisation, country = named.country, named_with = $2
FROM jsonb_to_recordset($1::jsonb)
    AS named (source_ip inet, service text, network text, asn bigint, organisation text, country text)
WHERE source.source_ip = named.source_ip;

-- name: due_domains
-- Domains with news, those that waited longest first: 50 that are quickly added up, or one that is not. Each has waited 30
-- times as long as that takes; and a minute while reports keep coming, for each of them would have it added up again.
WITH due AS (
    SELECT domain, last_day, summed_at, took_ms FROM source_domain
    WHERE due AND summed_at + make_interval(secs => 0.03 * took_ms) <= clock_timestamp()
        AND (summed_at + interval '1 minute' <= clock_timestamp() OR NOT EXISTS (SELECT FROM overview_due))
    ORDER BY summed_at LIMIT 50 FOR UPDATE
), placed AS (
    SELECT domain, last_day, sum(took_ms) OVER (ORDER BY summed_at, domain) - took_ms AS before_ms FROM due
)
SELECT domain, last_day FROM placed WHERE before_ms < 200;

-- name: sum_sources
-- The sources of domains ($1) in the 30 days that end on a day ($2, one a domain), and in the 30 before; whose sums changed
-- is judged again.
INSERT INTO source_verdict AS known (domain, source_ip, first_day, last_day, messages, passed, dkim, spf, quarantined,
    rejected, overridden, messages_before, passed_before)
SELECT due.domain, sums.*
FROM unnest($1::text[], $2::date[]) AS due (domain, until)
CROSS JOIN LATERAL (
    SELECT source_ip, min(day), max(day),
        bounded(coalesce(sum(messages) FILTER (WHERE day > until - 30), 0)),
        bounded(coalesce(sum(passed) FILTER (WHERE day > until - 30), 0)),
        bounded(coalesce(sum(dkim) FILTER (WHERE day > until - 30), 0)),
        bounded(coalesce(sum(spf) FILTER (WHERE day > until - 30), 0)),
        bounded(coalesce(sum(quarantined) FILTER (WHERE day > until - 30), 0)),
        bounded(coalesce(sum(rejected) FILTER (WHERE day > until - 30), 0)),
        bounded(coalesce(sum(overridden) FILTER (WHERE day > until - 30), 0)),
        bounded(coalesce(sum(messages) FILTER (WHERE day <= until - 30), 0)),
        bounded(coalesce(sum(passed) FILTER (WHERE day <= until - 30), 0))
    FROM overview_source
    WHERE overview_source.domain = due.domain AND day BETWEEN until - 59 AND until
    GROUP BY source_ip
) AS sums
ON CONFLICT (domain, source_ip) DO UPDATE SET
    first_day = least(known.first_day, excluded.first_day), last_day = greatest(known.last_day, excluded.last_day),
    messages = excluded.messages, passed = excluded.passed, dkim = excluded.dkim, spf = excluded.spf,
    quarantined = excluded.quarantined, rejected = excluded.rejected, overridden = excluded.overridden,
    messages_before = excluded.messages_before, passed_before = excluded.passed_before, verdict = NULL
WHERE (known.last_day, known.messages, known.passed, known.dkim, known.spf, known.quarantined, known.rejected,
        known.overridden, known.messages_before, known.passed_before)
    IS DISTINCT FROM (excluded.last_day, excluded.messages, excluded.passed, excluded.dkim, excluded.spf,
        excluded.quarantined, excluded.rejected, excluded.overridden, excluded.messages_before,
        excluded.passed_before);

-- name: sum_silent
-- The sources of domains ($1) that sent nothing in the 60 days that end on a day ($2, one a domain).
UPDATE source_verdict SET messages = 0, passed = 0, dkim = 0, spf = 0, quarantined = 0, rejected = 0, overridden = 0,
    messages_before = 0, passed_before = 0, verdict = NULL
FROM unnest($1::text[], $2::date[]) AS due (domain, until)
WHERE source_verdict.domain = due.domain AND last_day < until - 59 AND (messages <> 0 OR messages_before <> 0);

-- name: summed
-- The sums of these domains ($1) are there; it took $2 ms for each.
UPDATE source_domain SET due = false, summed_at = clock_timestamp(), took_ms = $2 WHERE domain = ANY($1::text[]);

-- name: keep_groups
-- Has the groups of domains kept that took $1 ms or more to add up, and those of all where there are $2 sources or more.
INSERT INTO source_group_kept (domain)
SELECT domain FROM source_domain WHERE took_ms >= $1
UNION ALL
SELECT '' FROM pg_class WHERE oid = 'source_verdict'::regclass AND reltuples >= $2
ON CONFLICT DO NOTHING;

-- name: due_groups
-- A domain ('': all) whose groups are to be made again. Each has waited 30 times as long as that takes; and a minute while reports keep coming.
SELECT domain FROM source_group_kept
WHERE due AND grouped_at + make_interval(secs => 0.03 * took_ms) <= clock_timestamp()
    AND (grouped_at + interval '1 minute' <= clock_timestamp() OR NOT EXISTS (SELECT FROM overview_due))
ORDER BY grouped_at, domain LIMIT 1;

-- name: group
-- Makes the groups of a domain ($1; '': of all) again.
SELECT group_sources($1);

-- name: unjudged
-- Sources to be judged, $1 of them, with all that is known of them.
WITH batch AS MATERIALIZED (
    SELECT * FROM source_verdict WHERE verdict IS NULL LIMIT $1 FOR UPDATE
), named AS MATERIALIZED (
    SELECT batch.*, source.service FROM batch LEFT JOIN source USING (source_ip)
), senders AS MATERIALIZED (
    SELECT DISTINCT sender.domain, other.service
    FROM (SELECT DISTINCT domain FROM named WHERE service IS NOT NULL) AS asked
    JOIN source_verdict AS sender USING (domain)
    CROSS JOIN LATERAL (SELECT service FROM source WHERE source_ip = sender.source_ip LIMIT 1) AS other
    WHERE sender.passed > 0 AND 5 * sender.passed::numeric >= sender.messages
)
SELECT named.domain, named.source_ip::text AS source_ip, named.first_day, named.last_day, named.messages, named.passed,
    named.dkim, named.spf, named.quarantined, named.rejected, named.overridden, named.messages_before,
    named.passed_before, named.service, source_domain.first_day AS domain_since, source_domain.last_day AS window_end,
    standing_of(named.domain, named.source_ip, named.service) AS standing,
    senders.domain IS NOT NULL AS is_known_sender,
    coalesce((
        SELECT jsonb_agg(jsonb_build_array(mechanism, name, passed, selector, is_recent))
        FROM (
            SELECT mechanism, name, passed, selector, last_day > source_domain.last_day - 30 AS is_recent
            FROM source_identity
            WHERE source_identity.source_ip = named.source_ip AND source_identity.domain = named.domain
                AND mechanism <> 'from'
            ORDER BY passed DESC, last_day DESC, name LIMIT 100
        ) AS latest
    ), '[]') AS identities
FROM named
JOIN source_domain USING (domain)
LEFT JOIN senders USING (domain, service);

-- name: judge
-- Writes verdicts, given as rows of JSON.
UPDATE source_verdict AS known SET verdict = judged.verdict, severity = judged.severity, changes = judged.changes,
    changed_at = CASE WHEN known.changes IS DISTINCT FROM judged.changes OR known.changed_at IS NULL
        THEN now() ELSE known.changed_at END
FROM jsonb_to_recordset($1::jsonb)
    AS judged (domain text, source_ip inet, verdict text, severity smallint, changes text[])
WHERE known.domain = judged.domain AND known.source_ip = judged.source_ip;
