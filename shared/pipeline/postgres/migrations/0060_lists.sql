-- What lists are sorted by and searched for. Names are cut: they may be longer than an entry of an index can be.
CREATE INDEX report_org_name ON report (left(org_name, 60), begin, id);
CREATE INDEX report_failed ON report ((message_count - passed), id);
CREATE INDEX report_report_id ON report ((lower(left(report_id, 60))) COLLATE "C");
CREATE INDEX overview_source_address ON overview_source (source_ip);
CREATE INDEX failure_report_source_ip ON failure_report USING hash (source_ip);
CREATE INDEX tls_failure_sending_mta_ip ON tls_failure USING hash (sending_mta_ip);

-- Emails that nobody could read are looked for among all others.
CREATE INDEX mail_skipped ON mail (stored_at) WHERE outcome = 'not_a_report' AND reason = 'format_not_allowed';
CREATE INDEX mail_size ON mail (size, mail_id);
