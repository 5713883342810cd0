-- Reports that were put together again from what another tool kept: few, and looked for whenever a report is stored.
CREATE INDEX report_rebuilt ON report (domain, begin) WHERE 'rebuilt' = ANY(repairs);
