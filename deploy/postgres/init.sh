#!/bin/sh
# Run once by the PostgreSQL image, on an empty volume: makes the roles, with the passwords of /run/secrets.
set -eu
secret() { cat "/run/secrets/$1"; }
psql --no-psqlrc -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
  -v owner_password="$(secret owner)" \
  -v parser_password="$(secret parser)" \
  -v config_api_password="$(secret config_api)" \
  -v notifier_password="$(secret notifier)" \
  -v grafana_password="$(secret grafana)" \
  -f /etc/dmarq/roles.sql
