-- What is kept of one email address, erased or (dry) only counted. $1 matches the address and its redacted form; $2 are
-- documents that hold it, as whoever can open them has found. Fingerprints stay, so that a report sent again is known.
CREATE FUNCTION erase_address(pattern text, holding bigint[], dry boolean) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    reports bigint[];
    documents bigint[];
    mails uuid[];
    spoken text[];
BEGIN
    reports := ARRAY(
        SELECT report.id FROM report LEFT JOIN failure_report ON failure_report.report = report.id
        WHERE to_jsonb(failure_report)::text ~* pattern
            OR concat_ws(' ', email, extra_contact_info, raw::text, errors::text) ~* pattern
    );
    documents := ARRAY(
        SELECT id FROM document
        WHERE id = ANY(holding) OR report = ANY(reports) OR concat_ws(' ', name, detail) ~* pattern
    );
    mails := ARRAY(
        SELECT mail_id FROM mail
        WHERE concat_ws(' ', from_address, subject, detail, action_detail, lines::text) ~* pattern
    );
    spoken := ARRAY(SELECT id FROM activity WHERE concat_ws(' ', text, data::text) ~* pattern);
    IF NOT dry THEN
        UPDATE failure_report SET
            original_mail_from = regexp_replace(original_mail_from, pattern, 'erased', 'gi'),
            original_rcpt_to = ARRAY(SELECT regexp_replace(e, pattern, 'erased', 'gi') FROM unnest(original_rcpt_to) AS e),
            authentication_results
                = ARRAY(SELECT regexp_replace(e, pattern, 'erased', 'gi') FROM unnest(authentication_results) AS e),
            reported_uris = ARRAY(SELECT regexp_replace(e, pattern, 'erased', 'gi') FROM unnest(reported_uris) AS e),
            dkim_identity = regexp_replace(dkim_identity, pattern, 'erased', 'gi'),
            spf_dns = regexp_replace(spf_dns, pattern, 'erased', 'gi'),
            sample = regexp_replace(sample, pattern, 'erased', 'gi'),
            sample_from = NULL,
            sample_subject = regexp_replace(sample_subject, pattern, 'erased', 'gi'),
            sample_message_id = regexp_replace(sample_message_id, pattern, 'erased', 'gi')
        WHERE report = ANY(reports);
        UPDATE report SET
            email = regexp_replace(email, pattern, 'erased', 'gi'),
            extra_contact_info = regexp_replace(extra_contact_info, pattern, 'erased', 'gi'),
            raw = regexp_replace(raw::text, pattern, 'erased', 'gi')::jsonb,
            errors = ARRAY(SELECT regexp_replace(e, pattern, 'erased', 'gi') FROM unnest(errors) AS e)
        WHERE id = ANY(reports);
        UPDATE document SET
            bytes = NULL,
            name = regexp_replace(name, pattern, 'erased', 'gi'),
            detail = regexp_replace(detail, pattern, 'erased', 'gi')
        WHERE id = ANY(documents);
        UPDATE mail SET
            from_address = regexp_replace(from_address, pattern, 'erased', 'gi'),
            subject = regexp_replace(subject, pattern, 'erased', 'gi'),
            detail = regexp_replace(detail, pattern, 'erased', 'gi'),
            action_detail = regexp_replace(action_detail, pattern, 'erased', 'gi'),
            lines = regexp_replace(lines::text, pattern, 'erased', 'gi')::jsonb
        WHERE mail_id = ANY(mails);
        UPDATE activity SET
            text = regexp_replace(text, pattern, 'erased', 'gi'),
            data = regexp_replace(data::text, pattern, 'erased', 'gi')::jsonb
        WHERE id = ANY(spoken);
    END IF;
    RETURN jsonb_build_object(
        'reports', cardinality(reports), 'documents', cardinality(documents), 'emails', cardinality(mails),
        'activities', cardinality(spoken)
    );
END
$$;
REVOKE EXECUTE ON FUNCTION erase_address(text, bigint[], boolean) FROM PUBLIC;
