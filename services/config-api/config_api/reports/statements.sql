-- name: reports
-- The headers of reports; ORDER and AFTER are put in by the loader.
SELECT id, kind, mail_id, mailbox_id, org_name, report_id, domain, begin, "end", variant, record_count AS records,
    message_count AS messages, passed, quarantined, rejected, p AS policy, repairs, stored_at
FROM report
WHERE ($1::text IS NULL OR kind = $1)
    AND ($2::text IS NULL OR domain = lower($2))
    AND ($3::text IS NULL OR org_name = $3)
    AND ($4::text IS NULL OR mailbox_id = $4)
    AND ($5::timestamptz IS NULL OR begin >= $5)
    AND ($6::timestamptz IS NULL OR begin < $6)
    AND ($7::boolean IS NULL OR (repairs <> '{}') = $7)
    AND ($8::boolean IS NULL OR variant = $8)
    AND ($9::text IS NULL OR strpos(lower(org_name || ' ' || report_id || ' ' || domain), lower($9)) > 0)
    AND ({after})
ORDER BY {order}
LIMIT $12;

-- name: report
-- One report, whole but for its rows.
SELECT id, kind, mail_id, mailbox_id, org_name, report_id, domain, begin, "end",
    encode(fingerprint, 'hex') AS fingerprint, variant, email, extra_contact_info, generator, version, namespace,
    errors, p, sp, np, adkim, aspf, pct, fo, testing, discovery_method, record_count AS records,
    message_count AS messages, passed, quarantined, rejected, repairs, raw, extensions, parser_version, stored_at,
    coalesce((SELECT bytes IS NOT NULL FROM document WHERE document.id = report.id), FALSE) AS has_document
FROM report
WHERE id = $1;

-- name: tls_policies
-- The policies of a TLS report.
SELECT position, policy_type, policy_domain, policy_strings, mx_hosts, successful_sessions, failed_sessions
FROM tls_policy WHERE report = $1 ORDER BY position LIMIT 1000;

-- name: tls_failures
-- Their failure details.
SELECT policy, position, result_type, sending_mta_ip, receiving_mx_hostname, receiving_mx_helo, receiving_ip,
    failed_session_count, additional_information, failure_reason_code
FROM tls_failure WHERE report = $1 ORDER BY policy, position LIMIT 5000;

-- name: failure
-- What only a failure report has.
SELECT * FROM failure_report WHERE report = $1;

-- name: begin_of
-- The partition key of a report's rows.
SELECT begin FROM report WHERE id = $1;

-- name: records
-- Rows of an aggregate report, in its order.
SELECT position, host(source_ip) AS source_ip, count, disposition, dkim, spf, header_from, envelope_from, envelope_to,
    reasons, dkim_results, spf_results, raw
FROM record
WHERE report = $1 AND begin = $2
    AND ($3::text IS NULL OR disposition = $3)
    AND ($4::text IS NULL OR dkim = $4)
    AND ($5::text IS NULL OR spf = $5)
    AND ($6::boolean IS NULL OR (coalesce(dkim, '') <> 'pass' AND coalesce(spf, '') <> 'pass') = $6)
    AND ($7::text IS NULL OR strpos(lower(concat_ws(' ', host(source_ip), header_from, envelope_from)), lower($7)) > 0)
    AND ($8::bigint IS NULL OR position > $8)
ORDER BY position
LIMIT $9;

-- name: document
-- The bytes of a report's document, which has the same number.
SELECT document.name, document.format, document.size, document.bytes
FROM report JOIN document USING (id)
WHERE report.id = $1;
