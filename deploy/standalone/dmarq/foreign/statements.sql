-- What `dmarq import` reads in the databases of other tools. Each row is a number and a JSON value.

-- name: dmarc_aggregate_report
-- The aggregate reports of parsedmarc, in the shape of its JSON.
SELECT report.id, jsonb_build_object(
    'xml_schema', xml_schema,
    'report_metadata', jsonb_build_object(
        'org_name', org_name, 'org_email', org_email, 'org_extra_contact_info', org_extra_contact_info,
        'report_id', report.report_id, 'generator', generator, 'errors', errors,
        'begin_date', begin_date, 'end_date', end_date
    ),
    'policy_published', jsonb_build_object(
        'domain', domain, 'adkim', adkim, 'aspf', aspf, 'p', policy, 'sp', subdomain_policy, 'np', np, 'pct', pct,
        'fo', fo, 'testing', testing, 'discovery_method', discovery_method
    ),
    'records', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
            'source', jsonb_build_object('ip_address', host(source_ip_address)),
            'count', message_count,
            'policy_evaluated', jsonb_build_object(
                'disposition', disposition, 'dkim', policy_dkim, 'spf', policy_spf,
                'policy_override_reasons', (
                    SELECT coalesce(jsonb_agg(jsonb_build_object('type', override_type, 'comment', comment) ORDER BY id), '[]')
                    FROM dmarc_aggregate_record_policy_override WHERE record_id = record.id
                )
            ),
            'identifiers', jsonb_build_object(
                'header_from', header_from, 'envelope_from', envelope_from, 'envelope_to', envelope_to
            ),
            'auth_results', jsonb_build_object(
                'dkim', (
                    SELECT coalesce(jsonb_agg(to_jsonb(dkim) ORDER BY id), '[]')
                    FROM dmarc_aggregate_record_dkim AS dkim WHERE record_id = record.id
                ),
                'spf', (
                    SELECT coalesce(jsonb_agg(to_jsonb(spf) ORDER BY id), '[]')
                    FROM dmarc_aggregate_record_spf AS spf WHERE record_id = record.id
                )
            ),
            'normalized_timespan', interval_end - interval_begin < end_date - begin_date,
            'interval_begin', interval_begin, 'interval_end', interval_end
        ) ORDER BY record.id)
        FROM dmarc_aggregate_record AS record WHERE record.report_id = report.id
    ), '[]')
)
FROM dmarc_aggregate_report AS report
ORDER BY report.id;

-- name: smtp_tls_report
-- The TLS reports of parsedmarc, in the shape of its JSON.
SELECT report.id, jsonb_build_object(
    'organization_name', organization_name, 'begin_date', begin_date, 'end_date', end_date,
    'contact_info', contact_info, 'report_id', report.report_id,
    'policies', coalesce((
        SELECT jsonb_agg(to_jsonb(policy) || jsonb_build_object('failure_details', (
            SELECT coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(detail) - 'id' - 'policy_id')
                || jsonb_build_object('sending_mta_ip', host(sending_mta_ip), 'receiving_ip', host(receiving_ip))
                ORDER BY detail.id), '[]')
            FROM smtp_tls_failure_detail AS detail WHERE policy_id = policy.id
        )) ORDER BY policy.id)
        FROM smtp_tls_policy AS policy WHERE policy.report_id = report.id
    ), '[]')
)
FROM smtp_tls_report AS report
ORDER BY report.id;

-- name: dmarc_failure_report
-- The failure reports of parsedmarc, in the shape of its JSON.
SELECT id, to_jsonb(report) || jsonb_build_object(
    'source', jsonb_build_object('ip_address', host(source_ip_address)), 'subject', sample_subject
)
FROM dmarc_failure_report AS report
ORDER BY id;

-- name: raw_xml
-- The reports of dmarcts-report-parser as they came.
SELECT serial, to_jsonb(raw_xml) FROM report ORDER BY serial;
