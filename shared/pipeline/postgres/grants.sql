-- The least that each service can live with. deploy/postgres/roles.sql makes the roles; whoever owns the schema gives
-- these rights after each migration. A statement may be repeated for ever.

-- role: dmarq_parser
GRANT USAGE ON SCHEMA public TO dmarq_parser;
GRANT SELECT ON schema_migration TO dmarq_parser;
GRANT SELECT, INSERT, UPDATE, DELETE ON mail, document, outbox, activity TO dmarq_parser;
GRANT SELECT, INSERT, UPDATE, DELETE ON report, record, tls_policy, tls_failure, failure_report TO dmarq_parser;
GRANT SELECT, INSERT ON fetch_run TO dmarq_parser;
GRANT SELECT, INSERT, UPDATE ON reparse_job TO dmarq_parser;
GRANT USAGE ON SEQUENCE document_id_seq, outbox_id_seq, reparse_job_id_seq TO dmarq_parser;
GRANT EXECUTE ON FUNCTION make_record_partition(integer, integer), drop_record_partitions(integer) TO dmarq_parser;
GRANT EXECUTE ON FUNCTION fold_overview(bigint) TO dmarq_parser;
GRANT SELECT, UPDATE ON source, source_domain TO dmarq_parser;
GRANT SELECT, INSERT, UPDATE ON source_verdict TO dmarq_parser;
GRANT SELECT ON source_identity, source_standing, overview_source, overview_due, domain_dns TO dmarq_parser;
GRANT SELECT, INSERT ON source_group_kept TO dmarq_parser;
GRANT EXECUTE ON FUNCTION group_sources(text) TO dmarq_parser;
GRANT SELECT, INSERT, UPDATE ON domain_dns_asked TO dmarq_parser;
GRANT EXECUTE ON FUNCTION keep_domain_dns(text, jsonb, text) TO dmarq_parser;

-- role: dmarq_config_api
GRANT USAGE ON SCHEMA public TO dmarq_config_api;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO dmarq_config_api;
GRANT INSERT, UPDATE ON mailbox TO dmarq_config_api;
GRANT UPDATE ON imap_switch TO dmarq_config_api;
GRANT INSERT, DELETE ON oauth_sign_in TO dmarq_config_api;
GRANT INSERT, UPDATE, DELETE ON credential, session, sign_in_code, api_token, users TO dmarq_config_api;
GRANT INSERT ON audit TO dmarq_config_api;
GRANT USAGE ON SCHEMA confined TO dmarq_config_api;
GRANT SELECT ON ALL TABLES IN SCHEMA confined TO dmarq_config_api;
GRANT INSERT, UPDATE, DELETE ON api_request TO dmarq_config_api;
GRANT INSERT, UPDATE, DELETE ON source_standing TO dmarq_config_api;
GRANT EXECUTE ON FUNCTION keep_domain_dns(text, jsonb, text) TO dmarq_config_api;
GRANT INSERT ON activity, outbox TO dmarq_config_api;
GRANT EXECUTE ON FUNCTION erase_address(text, bigint[], boolean) TO dmarq_config_api;
GRANT UPDATE (action_state, action_reason, action_detail, acted_at) ON mail TO dmarq_config_api;
GRANT USAGE ON SEQUENCE api_token_id_seq, outbox_id_seq, users_id_seq, session_id_seq, audit_id_seq TO dmarq_config_api;
GRANT INSERT, UPDATE, DELETE ON notify_channel, notify_rule, notify_mute TO dmarq_config_api;
GRANT UPDATE (state, due_at, lease_until, first_at, batch) ON notify_delivery TO dmarq_config_api;
GRANT USAGE ON SEQUENCE notify_mute_id_seq TO dmarq_config_api;

-- role: dmarq_grafana
GRANT USAGE ON SCHEMA public TO dmarq_grafana;
GRANT SELECT ON dashboard_compliance, dashboard_mail, dashboard_report, dashboard_source, dashboard_tls TO dmarq_grafana;

-- role: dmarq_notifier
GRANT USAGE ON SCHEMA public TO dmarq_notifier;
GRANT SELECT ON schema_migration TO dmarq_notifier;
GRANT SELECT ON notify_mailbox, notify_mailbox_run, notify_mail, notify_action, notify_setting TO dmarq_notifier;
GRANT SELECT ON notify_domain, notify_reporter, notify_source, notify_policy, notify_tls, notify_signature TO dmarq_notifier;
GRANT SELECT ON notify_source_name, notify_dns TO dmarq_notifier;
GRANT SELECT ON notify_channel, notify_rule, notify_mute TO dmarq_notifier;
GRANT SELECT, INSERT, UPDATE, DELETE ON notify_alert, notify_delivery, notify_attempt TO dmarq_notifier;
GRANT USAGE ON SEQUENCE notify_alert_id_seq, notify_delivery_id_seq TO dmarq_notifier;
