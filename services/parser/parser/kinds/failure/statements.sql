-- The table of failure reports.

-- name: insert_failure_report
-- Adds what only failure reports have.
INSERT INTO failure_report (
    report, feedback_type, user_agent, feedback_version, original_mail_from, original_rcpt_to, arrival_date,
    reporting_mta, source_ip, source_port, incidents, authentication_results, reported_domains, reported_uris,
    auth_failure, delivery_result, identity_alignment, dkim_domain, dkim_identity, dkim_selector, spf_dns, sample,
    sample_message_id, sample_from, sample_subject
)
SELECT
    report, feedback_type, user_agent, feedback_version, original_mail_from, original_rcpt_to, arrival_date,
    reporting_mta, source_ip, source_port, incidents, authentication_results, reported_domains, reported_uris,
    auth_failure, delivery_result, identity_alignment, dkim_domain, dkim_identity, dkim_selector, spf_dns, sample,
    sample_message_id, sample_from, sample_subject
FROM jsonb_populate_recordset(NULL::failure_report, $1);

-- name: stored_failure_report
-- What only a failure report has.
SELECT * FROM failure_report WHERE report = $1;
