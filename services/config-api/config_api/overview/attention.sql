-- What somebody should look at first. Sums of sources are those that are kept: of the last 30 days reports speak of.

-- name: new_failing
-- Sources that are new and fail, those that fail most first; $1 of them.
SELECT domain, host(nullif(source_ip, '0.0.0.0/0')) AS source_ip, source.service, messages, failed
FROM source_verdict LEFT JOIN source USING (source_ip)
WHERE changes <> '{}' AND 'new' = ANY(changes) AND failed > 0 AND severity < 3
ORDER BY failed DESC, source_ip, domain LIMIT $1;

-- name: own_failing
-- Services and addresses that are the owner's and fail, those that fail most first; $1 of them.
SELECT domain, source.service, CASE WHEN source.service IS NULL THEN host(source_ip) END AS source_ip,
    saturated(sum(messages)) AS messages, saturated(sum(failed)) AS failed
FROM source_verdict LEFT JOIN source USING (source_ip)
WHERE severity = 0 AND failed > 0
GROUP BY 1, 2, 3
ORDER BY sum(failed) DESC, 1, 2, 3 LIMIT $1;

-- name: silent_reporters
-- Who reported on 7 days or more of 30, and on none of the 7 days after; $1 of them.
SELECT org_name, max(day) AS last_day
FROM overview_reporter CROSS JOIN (SELECT max(day) AS last_day FROM overview_reporter) AS window_end
WHERE day BETWEEN window_end.last_day - 36 AND window_end.last_day
GROUP BY org_name, window_end.last_day
HAVING max(day) <= window_end.last_day - 7 AND count(DISTINCT day) >= 7
ORDER BY sum(messages) DESC, org_name LIMIT $1;
