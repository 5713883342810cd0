-- name: kept
-- The groups of a domain ($1; '' for all) by service or network ($2), as the parser keeps them; $3: which of their sources.
SELECT key, organisation, country, addresses, domains, messages, passed, failed, messages_before, severity, first_day,
    last_day
FROM source_group WHERE domain = $1::text AND kind = $2::text AND part = $3::text;

-- name: is_kept
-- Whether the groups of a domain ($1; '' for all) are kept.
SELECT EXISTS (SELECT FROM source_group_kept WHERE domain = $1 AND grouped_at > '-infinity');

-- name: of_service
-- The kept group of one service ($2), of a domain ($1; '' for all).
SELECT * FROM source_group WHERE domain = $1 AND kind = 'service' AND part = '' AND key = $2;

-- name: added_up
-- Sources by {group}, by the filters $1 to $12. Added up by domain first, and addresses counted by themselves: to count
-- different ones in each group would sort all of them.
{found}, rows AS MATERIALIZED (
    SELECT coalesce({group}::text, '') AS key, known.domain, known.source_ip, messages, passed, failed, messages_before,
        severity, known.first_day, known.last_day, organisation, country
    FROM {relation} AS known LEFT JOIN source USING (source_ip)
    WHERE {matching}
), by_domain AS (
    SELECT key, domain, sum(messages) AS messages, sum(passed) AS passed, sum(failed) AS failed,
        sum(messages_before) AS messages_before, min(severity) AS severity, min(first_day) AS first_day,
        max(last_day) AS last_day, min(organisation) AS organisation, min(country) AS country
    FROM rows GROUP BY key, domain
), counted AS (
    SELECT key, count(*) AS addresses FROM (SELECT DISTINCT key, source_ip FROM rows) AS pairs GROUP BY key
)
SELECT key, min(addresses) AS addresses, count(*) AS domains,
    saturated(sum(messages)) AS messages, saturated(sum(passed)) AS passed, saturated(sum(failed)) AS failed,
    saturated(sum(messages_before)) AS messages_before, min(severity) AS severity, min(first_day) AS first_day,
    max(last_day) AS last_day, min(organisation) AS organisation, min(country) AS country
FROM by_domain JOIN counted USING (key)
GROUP BY key;

-- name: groups
-- Groups sorted by {order}, two numbers, behind a mark of these and a key ($first, $second, $third); $limit of them.
SELECT * FROM (
    SELECT groups.*, (ARRAY[{order}])[1] AS first_mark, (ARRAY[{order}])[2] AS second_mark FROM ({relation}) AS groups
) AS marked
WHERE $first::bigint IS NULL OR (first_mark, second_mark, key) > ($first::bigint, $second::bigint, $third::text)
ORDER BY first_mark, second_mark, key
LIMIT $limit;
