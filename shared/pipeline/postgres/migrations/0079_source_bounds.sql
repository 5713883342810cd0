-- A sum whose difference to another such sum is a bigint, too: counts may be negative, and as large as a bigint is.
CREATE FUNCTION bounded(total numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(greatest(total, -4611686018427387903), 4611686018427387903)::bigint;

-- Receivers that accept a forwarded message by its ARC chain say local_policy, and "arc=pass" in its comment.
CREATE OR REPLACE VIEW overview_record_share AS
SELECT share.report, share.day, share.mailbox_id, share.domain,
    coalesce(record.source_ip, '0.0.0.0/0') AS source_ip, record.count AS messages,
    CASE WHEN record.dkim = 'pass' OR record.spf = 'pass' THEN record.count ELSE 0 END AS passed,
    record.header_from, share.begin, record.begin AS record_begin,
    CASE WHEN record.dkim = 'pass' THEN record.count ELSE 0 END AS dkim,
    CASE WHEN record.spf = 'pass' THEN record.count ELSE 0 END AS spf,
    CASE WHEN record.disposition = 'quarantine' THEN record.count ELSE 0 END AS quarantined,
    CASE WHEN record.disposition = 'reject' THEN record.count ELSE 0 END AS rejected,
    CASE WHEN record.reasons @> '[{"type": "forwarded"}]' OR record.reasons @> '[{"type": "mailing_list"}]'
        OR record.reasons @> '[{"type": "trusted_forwarder"}]'
        OR record.reasons @? '$[*] ? (@.type == "local_policy" && @.comment like_regex "^ *arc=pass" flag "i")'
        THEN record.count ELSE 0 END AS overridden,
    record.dkim_results, record.spf_results
FROM overview_report_share AS share
JOIN record ON record.report = share.report AND record.begin = share.begin;
