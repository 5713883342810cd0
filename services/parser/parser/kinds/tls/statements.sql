-- The tables of TLS reports.

-- name: insert_tls_policy
-- Adds the policies of TLS reports.
INSERT INTO tls_policy (
    report, position, policy_type, policy_domain, policy_strings, mx_hosts, successful_sessions, failed_sessions
)
SELECT report, position, policy_type, policy_domain, policy_strings, mx_hosts, successful_sessions, failed_sessions
FROM jsonb_populate_recordset(NULL::tls_policy, $1);

-- name: stored_tls_policy
-- A report's policies, in order.
SELECT * FROM tls_policy WHERE report = $1 ORDER BY position;

-- name: insert_tls_failure
-- Adds the failure details of TLS reports.
INSERT INTO tls_failure (
    report, policy, position, result_type, sending_mta_ip, receiving_mx_hostname, receiving_mx_helo, receiving_ip,
    failed_session_count, additional_information, failure_reason_code
)
SELECT
    report, policy, position, result_type, sending_mta_ip, receiving_mx_hostname, receiving_mx_helo, receiving_ip,
    failed_session_count, additional_information, failure_reason_code
FROM jsonb_populate_recordset(NULL::tls_failure, $1);

-- name: stored_tls_failure
-- A report's failure details, in order.
SELECT * FROM tls_failure WHERE report = $1 ORDER BY policy, position;
