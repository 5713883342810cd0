-- More that the notifier may read: the names of sources, every tag of the policies that reporters saw, and the DMARC
-- record that DNS has.

-- Whose an address is, as far as that is known. `service` is an id of the table of services.
CREATE VIEW notify_source_name AS
SELECT source_ip, service, coalesce(host, organisation, network) AS place FROM source;

CREATE OR REPLACE VIEW notify_policy AS
SELECT begin, stored_at, domain, org_name, coalesce(p, '') AS p, coalesce(sp, '') AS sp, np, adkim, aspf, testing
FROM report
WHERE kind = 'aggregate' AND NOT variant;

-- The DMARC record that counts for a domain: its name, its texts, and since when they are so; other records may have
-- changed since. `last_at`: when DNS said so last.
CREATE VIEW notify_dns AS
SELECT latest.domain, latest.name, latest.texts, latest.last_at, (
        SELECT min(same.first_at) FROM domain_dns AS same
        WHERE same.domain = latest.domain AND same.id > coalesce((
            SELECT max(other.id) FROM domain_dns AS other
            WHERE other.domain = latest.domain
                AND NOT other.records @> jsonb_build_array(jsonb_build_array('dmarc', latest.name, latest.texts))
        ), 0)
    ) AS first_at
FROM (
    SELECT DISTINCT ON (domain) domain, last_at, record ->> 'name' AS name, record -> 'records' AS texts
    FROM domain_dns CROSS JOIN LATERAL jsonb_array_elements(found) AS record
    WHERE record ->> 'kind' = 'dmarc'
    ORDER BY domain, id DESC
) AS latest;
