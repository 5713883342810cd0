-- name: report_filter
-- Which reports, as a part of the statements about many.
($1::text IS NULL OR kind = $1)
    AND ($2::text IS NULL OR domain = lower($2))
    AND ($3::text IS NULL OR org_name = $3)
    AND ($4::text IS NULL OR mailbox_id = $4)
    AND ($5::timestamptz IS NULL OR begin >= $5)
    AND ($6::timestamptz IS NULL OR begin < $6)
    AND ($7::boolean IS NULL OR (repairs <> '{}') = $7)
    AND ($8::boolean IS NULL OR variant = $8)

-- name: text_filter
-- Those with a text in their names: the names that hold it are looked up before, and a report id begins with it.
AND (left(org_name, 60) = ANY($9::text[]) OR domain = ANY($10::text[])
        OR (lower(left(report_id, 60)) COLLATE "C" >= $11 AND lower(left(report_id, 60)) COLLATE "C" < $12))

-- name: address_filter
-- Those that speak of an address: on days that the overview knows, or by their number. The rows of a report are looked up
-- for each (OFFSET 0): PostgreSQL would rather read the rows of all reports first.
AND (id = ANY($10::bigint[])
        OR (domain, (begin AT TIME ZONE 'UTC')::date) IN
            (SELECT domain, day FROM overview_source_now WHERE source_ip <<= $9::text::inet)
        AND EXISTS (
            SELECT FROM record
            WHERE record.report = report.id AND record.begin = report.begin AND record.source_ip <<= $9::text::inet
            OFFSET 0
        ))

-- name: frequent_address_filter
-- The same for an address of very many days: going through the reports finds some soon, without a list of the days.
AND (id = ANY($10::bigint[])
        OR EXISTS (
            SELECT FROM record
            WHERE record.report = report.id AND record.begin = report.begin AND record.source_ip <<= $9::text::inet
            OFFSET 0
        ))

-- name: reports
-- The headers of reports; FILTER, ORDER and AFTER are put in.
SELECT id, kind, mail_id, mailbox_id, org_name, left(org_name, 60) AS org_mark, report_id, domain, begin, "end", variant,
    record_count AS records, message_count AS messages, passed, message_count - passed AS failed, quarantined, rejected,
    p AS policy, repairs, stored_at
FROM report
WHERE {filter}
    AND {after}
ORDER BY {order}
LIMIT {limit};

-- name: count_reports
-- How many there are, as far as they are counted.
SELECT count(*) FROM (SELECT FROM report WHERE {filter} LIMIT {limit}) AS counted;

-- name: org_names
-- The senders whose names hold a text; each name is looked up once, however many reports have it.
WITH RECURSIVE name (text) AS (
    (SELECT left(org_name, 60) FROM report ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (SELECT left(org_name, 60) FROM report WHERE left(org_name, 60) > name.text ORDER BY 1 LIMIT 1)
    FROM name WHERE name.text IS NOT NULL
)
SELECT text FROM name WHERE strpos(lower(text), lower($1)) > 0 LIMIT 1000;

-- name: domains
-- The domains whose names hold a text.
WITH RECURSIVE name (text) AS (
    (SELECT domain FROM report ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (SELECT domain FROM report WHERE domain > name.text ORDER BY 1 LIMIT 1) FROM name WHERE name.text IS NOT NULL
)
SELECT text FROM name WHERE strpos(text, lower($1)) > 0 LIMIT 1000;

-- name: days_of_address
-- From when to when an address was seen, and whether on more days (of a domain and mailbox each) than $2.
SELECT count(*) > $2::bigint AS is_frequent, min(day) AS first, max(day) AS last
FROM (SELECT day FROM overview_source_now WHERE source_ip <<= $1::text::inet LIMIT $2::bigint + 1) AS seen;

-- name: span_of_address
-- From when to when an address was seen that is in very many reports.
SELECT min(first_day) AS first, max(last_day) AS last
FROM (
    SELECT first_day, last_day FROM source WHERE source_ip <<= $1::text::inet
    UNION ALL
    SELECT day, day FROM overview_record_share
    WHERE report IN (SELECT report FROM overview_due) AND source_ip <<= $1::text::inet
) AS seen;

-- name: other_reports_of_address
-- The failure and TLS reports that speak of it.
SELECT report AS id FROM failure_report WHERE source_ip = $1
UNION
SELECT report FROM tls_failure WHERE sending_mta_ip = $1
LIMIT 5000;

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
-- Rows of an aggregate report; ORDER and AFTER are put in.
SELECT position, host(source_ip) AS source_ip, coalesce(source_ip, '0.0.0.0/0')::text AS address_mark, count, disposition,
    left(coalesce(disposition, ''), 60) AS disposition_mark, dkim, left(coalesce(dkim, ''), 60) AS dkim_mark, spf,
    left(coalesce(spf, ''), 60) AS spf_mark, header_from, left(coalesce(header_from, ''), 60) AS from_mark,
    envelope_from, envelope_to, (coalesce(dkim, '') <> 'pass' AND coalesce(spf, '') <> 'pass')::integer AS failed,
    reasons, dkim_results, spf_results, raw
FROM record
WHERE {filter}
    AND {after}
ORDER BY {order}
LIMIT {limit};

-- name: count_records
-- How many there are, as far as they are counted.
SELECT count(*) FROM (SELECT FROM record WHERE {filter} LIMIT {limit}) AS counted;

-- name: record_filter
-- Which rows, as a part of both.
report = $1 AND begin = $2
    AND ($3::text IS NULL OR disposition = $3)
    AND ($4::text IS NULL OR dkim = $4)
    AND ($5::text IS NULL OR spf = $5)
    AND ($6::boolean IS NULL OR (coalesce(dkim, '') <> 'pass' AND coalesce(spf, '') <> 'pass') = $6)
    AND ($7::text IS NULL OR strpos(lower(concat_ws(' ', host(source_ip), header_from, envelope_from)), lower($7)) > 0)

-- name: document
-- The bytes of a report's document, which has the same number.
SELECT document.name, document.format, document.size, document.bytes
FROM report JOIN document USING (id)
WHERE report.id = $1;
