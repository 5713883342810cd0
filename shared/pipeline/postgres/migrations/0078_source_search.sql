-- Sources of a network, and sources by a text in their names. The text is looked up by trigrams where PostgreSQL has the
-- extension and lets us use it; without it the search reads all addresses, and finds the same.
CREATE INDEX source_asn ON source (asn) WHERE asn IS NOT NULL;

DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX source_words ON source USING gin (words gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported THEN
    RAISE NOTICE 'searching sources is slow where there are very many: pg_trgm is not available';
END
$$;
