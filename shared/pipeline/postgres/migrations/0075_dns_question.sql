-- What a fetcher is asked about a domain: the keys that it signs with of late, and its MTA-STS record and policy as they
-- were found last, so that a policy that changed under the same id is noticed.
CREATE FUNCTION dns_question(of_domain text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'domain', of_domain,
        'selectors', coalesce(
            (SELECT jsonb_agg(jsonb_build_object('selector', selector, 'domain', domain)) FROM dkim_keys(of_domain)), '[]'
        ),
        'sts', (
            SELECT jsonb_object_agg(name, record) FROM (
                SELECT CASE one ->> 'kind' WHEN 'mta_sts' THEN 'record' ELSE 'policy' END AS name,
                    one -> 'records' -> 0 AS record
                FROM (SELECT found FROM domain_dns WHERE domain = of_domain ORDER BY id DESC LIMIT 1) AS latest
                CROSS JOIN LATERAL jsonb_array_elements(found) AS one
                WHERE one ->> 'kind' IN ('mta_sts', 'mta_sts_policy') AND one -> 'records' -> 0 IS NOT NULL
            ) AS seen
        )
    )
$$;
