-- What is due is chosen once, and then taken: as one statement, a planner who was told that nothing is due would choose
-- anew for each report. Only who holds the lock takes anything out, so that nothing comes in between.
CREATE OR REPLACE FUNCTION fold_overview(records bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    folded bigint[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(x'646D616F'::integer) THEN
        RETURN 0;
    END IF;
    WITH oldest AS MATERIALIZED (
        SELECT due.report, coalesce(report.record_count, 0) AS size
        FROM (SELECT report FROM overview_due ORDER BY report LIMIT 10000) AS due
        LEFT JOIN report ON report.id = due.report
    ), counted AS MATERIALIZED (
        SELECT report, sum(size) OVER (ORDER BY report) - size AS before FROM oldest
    )
    SELECT array_agg(report) INTO folded FROM counted WHERE before <= records;
    IF folded IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM overview_due WHERE report = ANY(folded);
    PERFORM add_to_overview(folded);
    RETURN cardinality(folded);
END
$$;
