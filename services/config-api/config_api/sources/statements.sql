-- Sums of a source are those that the parser keeps for the last 30 days that reports speak of (`source_verdict`), or
-- where a period is asked for ({relation}) added up then. A filter that is null lets everything through.

-- name: window
-- The sums that are kept; no days are asked for.
(SELECT * FROM source_verdict WHERE $9::date IS NULL AND $10::date IS NULL);

-- name: period
-- The sums of the days $9 to $10, with the verdict of the last 30 days.
(
    SELECT sums.domain, sums.source_ip, sums.first_day, sums.last_day, sums.messages, sums.passed,
        sums.messages - sums.passed AS failed, sums.dkim, sums.spf, sums.quarantined, sums.rejected, sums.overridden,
        coalesce(verdict.messages_before, 0) AS messages_before, coalesce(verdict.passed_before, 0) AS passed_before,
        verdict.verdict, coalesce(verdict.severity, 2) AS severity, coalesce(verdict.changes, '{}') AS changes
    FROM (
        SELECT domain, source_ip, min(day) AS first_day, max(day) AS last_day,
            saturated(sum(messages)) AS messages, saturated(sum(passed)) AS passed, saturated(sum(dkim)) AS dkim,
            saturated(sum(spf)) AS spf, saturated(sum(quarantined)) AS quarantined,
            saturated(sum(rejected)) AS rejected, saturated(sum(overridden)) AS overridden
        FROM overview_source
        WHERE day BETWEEN $9::date AND $10::date AND ($1::text IS NULL OR domain = lower($1))
        GROUP BY domain, source_ip
    ) AS sums
    LEFT JOIN source_verdict AS verdict USING (domain, source_ip)
);

-- name: one_window
-- The sums that are kept of one that was chosen.
(SELECT * FROM source_verdict AS one WHERE one.domain = chosen.domain AND one.source_ip = chosen.source_ip OFFSET 0);

-- name: one_period
-- The sums of the days $9 to $10 of one that was chosen; day by day, because an address may have very many others.
(
    SELECT chosen.domain, chosen.source_ip, sums.first_day, sums.last_day, sums.messages, sums.passed,
        sums.messages - sums.passed AS failed, sums.dkim, sums.spf, sums.quarantined, sums.rejected, sums.overridden,
        coalesce(verdict.messages_before, 0) AS messages_before, coalesce(verdict.passed_before, 0) AS passed_before,
        verdict.verdict, coalesce(verdict.severity, 2) AS severity, coalesce(verdict.changes, '{}') AS changes
    FROM (
        SELECT min(day) AS first_day, max(day) AS last_day,
            saturated(sum(messages)) AS messages, saturated(sum(passed)) AS passed, saturated(sum(dkim)) AS dkim,
            saturated(sum(spf)) AS spf, saturated(sum(quarantined)) AS quarantined,
            saturated(sum(rejected)) AS rejected, saturated(sum(overridden)) AS overridden
        FROM overview_source
        WHERE day = ANY(ARRAY(SELECT generate_series($9::date::timestamp, $10::date, '1 day')::date))
            AND source_ip = chosen.source_ip AND domain = chosen.domain
        OFFSET 0
    ) AS sums
    LEFT JOIN source_verdict AS verdict ON verdict.domain = chosen.domain AND verdict.source_ip = chosen.source_ip
);

-- name: found
-- What the filters $1 to $8 need ($8 is a pattern in lower case). Addresses that something was said of, and those with
-- the words that are looked for, are found first: each source by itself would be looked up for them.
WITH said AS MATERIALIZED (
    SELECT target::inet AS source_ip FROM source_standing WHERE kind = 'address' AND standing = $4::text
    UNION
    SELECT source_ip FROM source_standing JOIN source ON source.service = target
    WHERE kind = 'service' AND standing = $4::text
), worded AS MATERIALIZED (
    SELECT source_ip FROM source WHERE $8::text IS NOT NULL AND words LIKE $8
);

-- name: worded
-- The first $2 addresses with a text in their names; $1 is a pattern.
SELECT source_ip::text AS source_ip FROM source WHERE words LIKE $1 LIMIT $2;

-- name: called
-- The domains with a text in their names; $1 is a pattern.
SELECT domain FROM source_domain WHERE domain LIKE $1 LIMIT $2;

-- name: few
-- What is looked for is in the names of these addresses ($11), or in those of domains ($12): they are looked up.
(known.source_ip = ANY($11::text[]::inet[]) OR known.domain = ANY($12::text[]));

-- name: many
-- It is in the names of very many: going through the list finds some soon.
($11::text[] IS NULL AND ($8::text IS NULL OR known.source_ip IN (SELECT source_ip FROM worded)
    OR known.domain = ANY($12::text[])));

-- name: matching
-- The filters themselves.
($1::text IS NULL OR known.domain = lower($1))
    AND ($2::text IS NULL OR source.service = $2)
    AND ($3::integer IS NULL OR known.severity = $3)
    AND ($4::text IS NULL OR known.source_ip = ANY(ARRAY(SELECT source_ip FROM said)))
    AND ($4::text IS NULL OR standing_of(known.domain, known.source_ip, source.service) = $4)
    AND ($5::text IS NULL OR $5 = 'failing' AND (-known.failed) < 0 OR $5 = 'passing' AND (-known.failed) >= 0)
    AND ($6::text IS NULL OR known.changes <> '{}' AND $6 = ANY(known.changes))
    AND ($7::bigint IS NULL OR source.asn = $7)
    AND {searched};

-- name: sources
-- Sources by their filters, one a domain and address; {order} is two numbers. Those of the page are chosen first, by what
-- filters and order need; their names and other sums are looked up then.
{found}, chosen AS MATERIALIZED (
    SELECT known.domain, known.source_ip
    FROM {relation} AS known
    LEFT JOIN source USING (source_ip)
    WHERE {matching}
        AND ($13::bigint IS NULL
            OR ({order}, known.source_ip, known.domain) > ($13, $14::bigint, $15::text::inet, $16::text))
    ORDER BY {order}, known.source_ip, known.domain
    LIMIT $17
)
SELECT known.domain, host(nullif(known.source_ip, '0.0.0.0/0')) AS source_ip, source.service, source.network,
    source.asn, source.organisation, source.country, source.host,
    coalesce(known.verdict, 'unknown') AS verdict, known.changes,
    standing_of(known.domain, known.source_ip, source.service) AS standing, known.messages, known.passed, known.failed,
    known.dkim, known.spf, known.quarantined, known.rejected, known.overridden, known.messages_before,
    known.passed_before, known.first_day, known.last_day, known.severity,
    known.source_ip::text AS mark
FROM chosen
CROSS JOIN LATERAL {one} AS known
LEFT JOIN source ON source.source_ip = known.source_ip
ORDER BY {order}, known.source_ip, known.domain;

-- name: address
-- The names of an address ($1).
SELECT host(source_ip) AS source_ip, first_day, last_day, service, network, asn, organisation, country, host, host_at
FROM source WHERE source_ip = $1::text::inet;

-- name: identities
-- What an address ($1) authenticated as, its latest first; $2 of them.
SELECT domain, mechanism, name, selector, passed, first_day, last_day FROM source_identity
WHERE source_ip = $1::text::inet
ORDER BY last_day DESC, domain, mechanism, name, selector, passed LIMIT $2;

-- name: history
-- The days of an address ($1) from $2 to $3, of a domain ($4) or of all.
SELECT day, saturated(sum(messages)) AS messages, saturated(sum(passed)) AS passed, saturated(sum(dkim)) AS dkim,
    saturated(sum(spf)) AS spf, saturated(sum(quarantined)) AS quarantined, saturated(sum(rejected)) AS rejected
FROM overview_source
WHERE day = ANY(ARRAY(SELECT generate_series($2::date::timestamp, $3::date, '1 day')::date))
    AND source_ip = $1::text::inet AND ($4::text IS NULL OR domain = lower($4))
GROUP BY day ORDER BY day;

-- name: service_days
-- The days of a service ($1) from $2 to $3, of a domain ($4) or of all.
SELECT day, saturated(sum(messages)) AS messages, saturated(sum(passed)) AS passed, saturated(sum(dkim)) AS dkim,
    saturated(sum(spf)) AS spf, saturated(sum(quarantined)) AS quarantined, saturated(sum(rejected)) AS rejected
FROM overview_source
WHERE day BETWEEN $2::date AND $3::date AND ($4::text IS NULL OR domain = lower($4))
    AND source_ip IN (SELECT source_ip FROM source WHERE service = $1::text)
GROUP BY day ORDER BY day;

-- name: facts
-- All that an address ($1) is judged by, for each of its domains; $2 of them.
SELECT verdict.domain, verdict.source_ip::text AS source_ip, verdict.first_day, verdict.last_day, verdict.messages,
    verdict.passed, verdict.dkim, verdict.spf, verdict.quarantined, verdict.rejected, verdict.overridden,
    verdict.messages_before, verdict.passed_before, source.service, source_domain.first_day AS domain_since,
    source_domain.last_day AS window_end,
    standing_of(verdict.domain, verdict.source_ip, source.service) AS standing,
    source.service IS NOT NULL AND EXISTS (
        SELECT FROM source_verdict AS sender
        CROSS JOIN LATERAL (SELECT service FROM source AS other WHERE other.source_ip = sender.source_ip LIMIT 1) AS other
        WHERE sender.domain = verdict.domain AND other.service = source.service
            AND sender.passed > 0 AND 5 * sender.passed::numeric >= sender.messages
    ) AS is_known_sender,
    coalesce((
        SELECT jsonb_agg(jsonb_build_array(mechanism, name, passed, selector, is_recent))
        FROM (
            SELECT mechanism, name, passed, selector, last_day > source_domain.last_day - 30 AS is_recent
            FROM source_identity
            WHERE source_identity.source_ip = verdict.source_ip AND source_identity.domain = verdict.domain
                AND mechanism <> 'from'
            ORDER BY passed DESC, last_day DESC, name LIMIT 100
        ) AS latest
    ), '[]') AS identities
FROM source_verdict AS verdict
JOIN source_domain USING (domain)
LEFT JOIN source USING (source_ip)
WHERE verdict.source_ip = $1::text::inet
ORDER BY verdict.severity, verdict.failed DESC, verdict.domain
LIMIT $2;

-- name: records
-- Rows of reports that name an address ($1), the latest reports first, of a domain ($2) or of all; $3 of them.
SELECT report.id AS report, report.org_name, report.domain, report.begin, record.position, record.count,
    record.disposition, record.dkim, record.spf, record.header_from, record.envelope_from, record.reasons,
    record.dkim_results, record.spf_results
FROM (
    SELECT DISTINCT domain, day FROM overview_source
    WHERE source_ip = $1::text::inet AND ($2::text IS NULL OR domain = lower($2))
        AND day = ANY(ARRAY(SELECT generate_series($4::date::timestamp, $5::date, '1 day')::date))
    ORDER BY day DESC, domain LIMIT 31
) AS days
CROSS JOIN LATERAL (
    SELECT id, org_name, domain, begin FROM report
    WHERE report.domain = days.domain AND kind = 'aggregate' AND NOT variant
        AND begin >= days.day::timestamp AT TIME ZONE 'UTC' AND begin < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY begin DESC, id DESC LIMIT 500
) AS report
JOIN record ON record.report = report.id AND record.begin = report.begin AND record.source_ip = $1::text::inet
ORDER BY report.begin DESC, report.id DESC, record.position
LIMIT $3;

-- name: standings
-- What was said of a target ($1, $2); of all of them where it is null.
SELECT domain, kind, target, standing, note, who, at FROM source_standing
WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR target = $2)
ORDER BY kind, target, domain LIMIT 1000;

-- name: say
-- Keeps what a person says.
INSERT INTO source_standing (kind, target, domain, standing, note, who)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, target, domain) DO UPDATE SET
    standing = excluded.standing, note = excluded.note, who = excluded.who, at = now()
RETURNING domain, kind, target, standing, note, who, at;

-- name: take_back
-- Forgets what a person said.
DELETE FROM source_standing WHERE kind = $1 AND target = $2 AND domain = $3 RETURNING standing;

-- name: changes
-- What changed since $1, the latest first.
SELECT changed_at, known.domain, host(nullif(known.source_ip, '0.0.0.0/0')) AS source_ip, source.service, known.changes,
    coalesce(known.verdict, 'unknown') AS verdict, known.messages, known.failed, known.messages_before,
    known.passed_before, known.first_day, known.last_day, known.source_ip::text AS mark
FROM source_verdict AS known LEFT JOIN source USING (source_ip)
WHERE known.changes <> '{}' AND ($1::timestamptz IS NULL OR changed_at >= $1)
    AND ($2::text IS NULL OR known.domain = lower($2)) AND ($3::text IS NULL OR $3 = ANY(known.changes))
    AND ($4::timestamptz IS NULL OR (changed_at, known.source_ip, known.domain) < ($4, $5::text::inet, $6::text))
ORDER BY changed_at DESC, known.source_ip DESC, known.domain DESC
LIMIT $7;
