-- What a viewer who is bound to domains sees: the schema `confined` has each table that pages and API show under its own
-- name, but for the rows of other domains. Their statements run with nothing but this schema on the search path and
-- `dmarq.domains` set, in a transaction that writes nothing: what is not here does not exist for them, and a statement
-- that was written without a thought of them cannot show more.
--
-- Mailboxes, the log and fetch runs are not theirs: rows do not say which mailbox they came from, and those tables are
-- empty. Columns have the names and types of the tables', so that the same statements fit.
CREATE SCHEMA confined;

CREATE FUNCTION confined.domains() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN string_to_array(current_setting('dmarq.domains'), ',');

CREATE FUNCTION confined.saturated(total numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(greatest(total, -9223372036854775807), 9223372036854775807)::bigint;

CREATE VIEW confined.report AS
SELECT id, kind, mail_id, ''::text AS mailbox_id, org_name, report_id, domain, begin, "end", identity, fingerprint,
    variant, email, extra_contact_info, generator, version, namespace, errors, p, sp, np, adkim, aspf, pct, fo, testing,
    discovery_method, record_count, message_count, passed, quarantined, rejected, repairs, raw, extensions,
    parser_version, stored_at
FROM public.report WHERE domain = ANY(confined.domains());

CREATE VIEW confined.record AS
SELECT * FROM public.record
WHERE EXISTS (SELECT FROM confined.report WHERE report.id = record.report);

-- A TLS report may speak of several domains.
CREATE VIEW confined.tls_policy AS
SELECT * FROM public.tls_policy
WHERE EXISTS (SELECT FROM confined.report WHERE report.id = tls_policy.report)
    AND (policy_domain IS NULL OR lower(policy_domain) = ANY(confined.domains()));

CREATE VIEW confined.tls_failure AS
SELECT * FROM public.tls_failure
WHERE EXISTS (
    SELECT FROM confined.tls_policy
    WHERE tls_policy.report = tls_failure.report AND tls_policy.position = tls_failure.policy
);

CREATE VIEW confined.failure_report AS
SELECT * FROM public.failure_report
WHERE EXISTS (SELECT FROM confined.report WHERE report.id = failure_report.report)
    AND reported_domains <@ confined.domains();

-- Whether a report of theirs speaks of no other domain: only then its file may be read.
CREATE FUNCTION confined.is_theirs_alone(of_report bigint) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM confined.report WHERE id = of_report)
        AND NOT EXISTS (
            SELECT FROM public.tls_policy
            WHERE report = of_report AND policy_domain IS NOT NULL AND lower(policy_domain) <> ALL(confined.domains())
        )
        AND NOT EXISTS (
            SELECT FROM public.failure_report WHERE report = of_report AND NOT reported_domains <@ confined.domains()
        );
END;

CREATE VIEW confined.document AS
SELECT id, mail_id, path, name, format, size, sha256, CASE WHEN confined.is_theirs_alone(report) THEN bytes END AS bytes,
    outcome, reason, detail, repairs, report, parser_version, stored_at
FROM public.document
WHERE EXISTS (SELECT FROM confined.report WHERE report.id = document.report);

-- Emails that brought a report of theirs and say nothing of any other domain: each file in them is theirs alone.
CREATE VIEW confined.mail AS
SELECT mail_id, ''::text AS mailbox_id, ''::text AS folder, uidvalidity, uid, header_message_id, from_address, subject,
    date, internal_date, size, fetched_at, stored_at, ''::text AS run_id, settings_version, take, outcome, reason,
    detail, action, NULL::text AS action_target, action_state, action_reason, ''::text AS action_detail, acted_at,
    '[]'::jsonb AS lines
FROM public.mail
WHERE reason IS NULL
    AND mail_id IN (SELECT mail_id FROM confined.report)
    AND NOT EXISTS (
        SELECT FROM public.document AS other
        WHERE other.mail_id = mail.mail_id AND (other.report IS NULL OR NOT confined.is_theirs_alone(other.report))
    );

CREATE VIEW confined.mailbox AS SELECT * FROM public.mailbox WHERE false;
CREATE VIEW confined.imap_switch AS SELECT * FROM public.imap_switch WHERE false;
CREATE VIEW confined.activity AS SELECT * FROM public.activity WHERE false;
CREATE VIEW confined.fetch_run AS SELECT * FROM public.fetch_run WHERE false;

-- The sums of the overview. Numbers of reports alone say nothing of whose they are.
CREATE VIEW confined.overview_due AS SELECT * FROM public.overview_due;

CREATE VIEW confined.overview_report_share AS
SELECT report, day, ''::text AS mailbox_id, domain, org_name, messages, passed, quarantined, rejected, last_end, begin
FROM public.overview_report_share WHERE domain = ANY(confined.domains());

CREATE VIEW confined.overview_record_share AS
SELECT report, day, ''::text AS mailbox_id, domain, source_ip, messages, passed, header_from, begin, record_begin, dkim,
    spf, quarantined, rejected, overridden, dkim_results, spf_results
FROM public.overview_record_share WHERE domain = ANY(confined.domains());

CREATE VIEW confined.overview_domain AS
SELECT day, ''::text AS mailbox_id, domain, reports, messages, passed, quarantined, rejected, last_end, dkim, spf
FROM public.overview_domain WHERE domain = ANY(confined.domains());

CREATE VIEW confined.overview_domain_now AS
SELECT day, ''::text AS mailbox_id, domain, reports, messages, passed, quarantined, rejected, last_end
FROM public.overview_domain_now WHERE domain = ANY(confined.domains());

CREATE VIEW confined.overview_source AS
SELECT day, ''::text AS mailbox_id, domain, source_ip, messages, passed, header_from, dkim, spf, quarantined, rejected,
    overridden
FROM public.overview_source WHERE domain = ANY(confined.domains());

CREATE VIEW confined.overview_source_now AS
SELECT day, ''::text AS mailbox_id, domain, source_ip, messages, passed, header_from
FROM public.overview_source_now WHERE domain = ANY(confined.domains());

-- Reporters are added up over all domains there; here, of the reports themselves.
CREATE VIEW confined.overview_reporter_now AS
SELECT day, ''::text AS mailbox_id, org_name, count(*) AS reports, confined.saturated(sum(messages)) AS messages,
    confined.saturated(sum(passed)) AS passed, max(last_end) AS last_end
FROM confined.overview_report_share GROUP BY day, org_name;

CREATE VIEW confined.overview_reporter AS SELECT * FROM confined.overview_reporter_now;

CREATE VIEW confined.overview_source_month AS
SELECT date_trunc('month', day::timestamp)::date AS month, source_ip, sum(messages) AS messages,
    sum(greatest(messages, 0)) AS most
FROM confined.overview_source GROUP BY 1, 2;

-- Sources. What was said of an address for all domains counts here too; who said it, and why, is not shown.
CREATE VIEW confined.source AS
SELECT * FROM public.source
WHERE EXISTS (SELECT FROM confined.overview_source WHERE overview_source.source_ip = source.source_ip);

CREATE VIEW confined.source_identity AS
SELECT * FROM public.source_identity WHERE domain = ANY(confined.domains());

CREATE VIEW confined.source_domain AS
SELECT * FROM public.source_domain WHERE domain = ANY(confined.domains());

CREATE VIEW confined.source_verdict AS
SELECT * FROM public.source_verdict WHERE domain = ANY(confined.domains());

CREATE VIEW confined.source_standing AS
SELECT domain, kind, target, standing, ''::text AS note, ''::text AS who, at
FROM public.source_standing
WHERE domain = ANY(confined.domains())
    OR domain = '' AND (kind = 'service' OR EXISTS (SELECT FROM confined.source WHERE host(source_ip) = target));

CREATE FUNCTION confined.standing_of(of_domain text, address inet, of_service text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT standing FROM public.source_standing
    WHERE of_domain = ANY(confined.domains()) AND domain IN (of_domain, '')
        AND (kind = 'address' AND target = host(address) OR kind = 'service' AND target = of_service)
    ORDER BY kind, domain DESC
    LIMIT 1;
END;

CREATE VIEW confined.domain_dns AS
SELECT * FROM public.domain_dns WHERE domain = ANY(confined.domains());

CREATE VIEW confined.domain_dns_asked AS
SELECT * FROM public.domain_dns_asked WHERE domain = ANY(confined.domains());

-- Groups of sources that are kept. Those of all domains together (under '') are not theirs: they are added up each time.
CREATE VIEW confined.source_group AS
SELECT * FROM public.source_group WHERE domain = ANY(confined.domains());

CREATE VIEW confined.source_group_kept AS
SELECT * FROM public.source_group_kept WHERE domain = ANY(confined.domains());

CREATE FUNCTION confined.dns_question(of_domain text) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT public.dns_question(of_domain) WHERE of_domain = ANY(confined.domains());
END;
