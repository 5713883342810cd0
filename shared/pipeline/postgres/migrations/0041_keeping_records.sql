-- Rows of reports may be kept for some months only: older partitions are dropped, which takes no time however many rows
-- they have. The headers of the reports stay, with their sums; so do the sums of the overview but for those by source,
-- which are sums of rows. Partitions belong to the owner of the table, so the parser has them dropped by this.
CREATE FUNCTION drop_record_partitions(keep_months integer) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    since timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => keep_months))
        AT TIME ZONE 'UTC';
    month text;
    dropped text[] := '{}';
BEGIN
    IF keep_months < 1 THEN
        RAISE EXCEPTION 'at least the month before this one is kept';
    END IF;
    PERFORM pg_advisory_xact_lock(x'646D616F'::integer);
    FOR month IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'record'::regclass AND relname ~ '^record_\d{4}_\d{2}$'
            AND relname < 'record_' || to_char(since AT TIME ZONE 'UTC', 'YYYY_MM')
        ORDER BY relname
    LOOP
        EXECUTE format('DROP TABLE %I', month);
        dropped := dropped || month;
    END LOOP;
    DELETE FROM record_default WHERE begin < since;
    DELETE FROM overview_source WHERE day < (since AT TIME ZONE 'UTC')::date;
    RETURN dropped;
END
$$;
REVOKE EXECUTE ON FUNCTION drop_record_partitions(integer) FROM PUBLIC;

-- The overview counts mails without looking at them, which takes a vacuum every now and then.
DROP INDEX mail_stored_at;
CREATE INDEX mail_stored_at ON mail (stored_at) INCLUDE (outcome, mailbox_id);
ALTER TABLE mail SET (autovacuum_vacuum_insert_scale_factor = 0.02);

-- Pages of reports sorted otherwise than by their day.
CREATE INDEX report_stored_at ON report (stored_at, id);
CREATE INDEX report_messages ON report (message_count, id);
