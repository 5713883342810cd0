-- What dashboards show, as views: they stay when tables change, and a reader of them needs no right on the tables.
-- Variants (another content under the identity of a known report) are left out of sums, as everywhere.

-- One line for each row of an aggregate report. `aligned`: DKIM or SPF passed in alignment with the From domain.
CREATE VIEW dashboard_compliance AS
SELECT
    report.begin                            AS at,
    report.domain,
    coalesce(record.header_from, '')        AS header_from,
    report.org_name                         AS reporter,
    host(record.source_ip)                  AS source_ip,
    coalesce(record.disposition, 'unknown') AS disposition,
    coalesce(record.dkim, 'unknown')        AS dkim,
    coalesce(record.spf, 'unknown')         AS spf,
    record.count                            AS mails,
    CASE WHEN 'pass' IN (record.dkim, record.spf) THEN record.count ELSE 0 END AS aligned
FROM record
JOIN report ON report.id = record.report
WHERE NOT report.variant;

-- One line for each report.
CREATE VIEW dashboard_report AS
SELECT
    begin          AS at,
    stored_at,
    kind,
    domain,
    org_name       AS reporter,
    coalesce(p, '') AS policy,
    record_count   AS records,
    message_count  AS mails,
    passed,
    quarantined,
    rejected,
    variant
FROM report;

-- One line for each policy of a TLS report.
CREATE VIEW dashboard_tls AS
SELECT
    report.begin                                      AS at,
    coalesce(tls_policy.policy_domain, report.domain) AS domain,
    report.org_name                                   AS reporter,
    tls_policy.policy_type,
    tls_policy.successful_sessions,
    tls_policy.failed_sessions
FROM tls_policy
JOIN report ON report.id = tls_policy.report
WHERE NOT report.variant;

-- One line for each mail of the ledger, without what is in it.
CREATE VIEW dashboard_mail AS
SELECT stored_at AS at, mailbox_id, outcome, coalesce(reason, '') AS reason, action, action_state, size
FROM mail;

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
