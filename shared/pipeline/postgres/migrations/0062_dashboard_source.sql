-- What dashboards show of sources: the same verdicts, names and sums as the pages and the API.
CREATE VIEW dashboard_source AS
SELECT
    known.domain,
    host(nullif(known.source_ip, '0.0.0.0/0')) AS source_ip,
    coalesce(source.service, '')               AS service,
    coalesce(source.organisation, '')          AS organisation,
    coalesce(source.country, '')               AS country,
    coalesce(source.host, '')                  AS host,
    coalesce(known.verdict, 'unknown')         AS verdict,
    known.messages                             AS mails,
    known.passed,
    known.failed,
    known.first_day,
    known.last_day
FROM source_verdict AS known LEFT JOIN source USING (source_ip);
