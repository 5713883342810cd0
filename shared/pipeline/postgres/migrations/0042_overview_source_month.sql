-- The messages of each address in each month: the roll-up of `overview_source` over days, mailboxes and domains. Nearly
-- all of the many addresses of a period sent next to nothing, and from this a reader knows which ones cannot be among
-- those with most messages, without adding them up (`sources.sql` in config-api).
--
-- Triggers on `overview_source` keep it in the transaction that writes, whoever writes. An address that is not there has
-- no messages. A numeric takes the sum of any number of bigints, so that nothing is lost when parts are taken away again.
-- A report may say a negative number of messages, so that some days of a month may have more than all of it: `most` is
-- what no days of the month have more than.
CREATE TABLE overview_source_month (
    month     date    NOT NULL,                     -- its first day
    source_ip inet    NOT NULL,                     -- as in overview_source
    messages  numeric NOT NULL,
    most      numeric NOT NULL,
    PRIMARY KEY (month, source_ip)
) WITH (fillfactor = 80);
CREATE INDEX overview_source_month_most ON overview_source_month (month, most);

CREATE FUNCTION overview_source_adds() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO overview_source_month AS known
    SELECT date_trunc('month', day::timestamp)::date, source_ip, sum(messages), sum(greatest(messages, 0))
    FROM came
    GROUP BY 1, 2
    ON CONFLICT (month, source_ip) DO UPDATE SET
        messages = known.messages + excluded.messages, most = known.most + excluded.most;
    RETURN NULL;
END
$$;

CREATE FUNCTION overview_source_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO overview_source_month AS known
    SELECT date_trunc('month', day::timestamp)::date, source_ip, sum(messages), sum(most)
    FROM (
        SELECT day, source_ip, messages, greatest(messages, 0) AS most FROM came
        UNION ALL
        SELECT day, source_ip, -messages, -greatest(messages, 0) FROM went
    ) AS difference
    GROUP BY 1, 2
    ON CONFLICT (month, source_ip) DO UPDATE SET
        messages = known.messages + excluded.messages, most = known.most + excluded.most;
    RETURN NULL;
END
$$;

CREATE FUNCTION overview_source_takes_away() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE overview_source_month AS known
    SET messages = known.messages - gone.messages, most = known.most - gone.most
    FROM (
        SELECT date_trunc('month', day::timestamp)::date AS month, source_ip, sum(messages) AS messages,
            sum(greatest(messages, 0)) AS most
        FROM went
        GROUP BY 1, 2
    ) AS gone
    WHERE known.month = gone.month AND known.source_ip = gone.source_ip;
    DELETE FROM overview_source_month AS known
    USING (SELECT DISTINCT date_trunc('month', day::timestamp)::date AS month, source_ip FROM went) AS gone
    WHERE known.month = gone.month AND known.source_ip = gone.source_ip AND known.messages = 0 AND known.most = 0;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION overview_source_adds(), overview_source_changes(), overview_source_takes_away() FROM PUBLIC;

-- No sum changes between what is added up here and the first trigger.
LOCK TABLE overview_source IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO overview_source_month
SELECT date_trunc('month', day::timestamp)::date, source_ip, sum(messages), sum(greatest(messages, 0))
FROM overview_source
GROUP BY 1, 2;

CREATE TRIGGER overview_source_adds AFTER INSERT ON overview_source REFERENCING NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION overview_source_adds();
CREATE TRIGGER overview_source_changes AFTER UPDATE ON overview_source REFERENCING OLD TABLE AS went NEW TABLE AS came
FOR EACH STATEMENT EXECUTE FUNCTION overview_source_changes();
CREATE TRIGGER overview_source_takes_away AFTER DELETE ON overview_source REFERENCING OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION overview_source_takes_away();
