-- Partitions of `record` belong to the owner of the table. The parser, which owns nothing, has them made by this.
-- Only numbers get into the statement.
CREATE FUNCTION make_record_partition(year integer, month integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    since timestamptz := make_timestamptz(year, month, 1, 0, 0, 0, 'UTC');
    until timestamptz := (since AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format(
        'CREATE TABLE record_%s_%s PARTITION OF record FOR VALUES FROM (%L) TO (%L)',
        lpad(year::text, 4, '0'), lpad(month::text, 2, '0'), since, until
    );
END
$$;
REVOKE EXECUTE ON FUNCTION make_record_partition(integer, integer) FROM PUBLIC;
