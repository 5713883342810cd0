-- The roles of DMARQ and the database's owner; may be run again at any time, which is also how passwords are changed:
--
--   psql -d dmarq -v owner_password=... -v parser_password=... -v config_api_password=... -v notifier_password=... \
--     -v grafana_password=... -f roles.sql
--
-- Run it as a superuser, connected to the database of DMARQ. What each role may do to which table is given by
-- `dmarq-migrate` after every migration (shared/pipeline/postgres/grants.sql).
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY['dmarq_owner', 'dmarq_parser', 'dmarq_config_api', 'dmarq_notifier', 'dmarq_grafana']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec

ALTER ROLE dmarq_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE dmarq_parser LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'parser_password';
ALTER ROLE dmarq_config_api LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'config_api_password';
ALTER ROLE dmarq_notifier LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'notifier_password';
ALTER ROLE dmarq_grafana LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'grafana_password';
ALTER ROLE dmarq_grafana SET default_transaction_read_only = on;
ALTER ROLE dmarq_grafana SET statement_timeout = '30s';

SELECT format('ALTER DATABASE %I OWNER TO dmarq_owner', current_database())
\gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
\gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO dmarq_parser, dmarq_config_api, dmarq_notifier, dmarq_grafana', current_database())
\gexec
SELECT format('GRANT TEMPORARY ON DATABASE %I TO dmarq_parser', current_database())
\gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO dmarq_owner;
