#!/bin/sh
# Makes the secrets of the stack, once, each into the volume of the one container that needs it. Every service has its
# own password for NATS and PostgreSQL; nobody has to think one up, and none is in a file of the project.
#
# A volume that has its secrets already is left alone: delete the volumes to begin anew. Files are world-readable inside
# a volume, and the volume is mounted by one container.
set -eu
umask 022
cd "${1:-/volumes}"

secret() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
keep() { # FILE CONTENT
  [ -s "$1" ] || { printf '%s\n' "$2" > "$1.new" && mv "$1.new" "$1"; }
}

# The server's side is written last: an interruption leaves nothing that only one side knows.
if [ ! -s nats/passwords.conf ]; then
  for user in FETCHER EXTRACTOR PARSER CONFIG_API MIGRATE REPORTS OPERATOR; do
    printf '%s_PASSWORD: "%s"\n' "$user" "$(secret)"
  done > nats/passwords.conf.new
  for user in FETCHER EXTRACTOR PARSER CONFIG_API MIGRATE; do
    name=$(printf '%s' "$user" | tr 'A-Z_' 'a-z-')
    password=$(sed -n "s/^${user}_PASSWORD: \"\(.*\)\"/\1/p" nats/passwords.conf.new)
    printf 'nats://%s:%s@nats:4222\n' "$name" "$password" > "$name/nats_url"
  done
  mv nats/passwords.conf.new nats/passwords.conf
fi

if [ ! -s postgres/superuser ]; then
  for role in owner parser config_api grafana; do secret > "postgres/$role"; done
  url() { printf 'postgresql://dmarq_%s:%s@postgres:5432/dmarq\n' "$1" "$(cat "postgres/$1")"; }
  url owner > migrate/database_url
  url parser > parser/database_url
  url config_api > config-api/database_url
  cat postgres/grafana > grafana/database_password
  secret > postgres/superuser
fi

key=$(secret)
keep config-api/secret_key "$key"
cp config-api/secret_key fetcher/secret_key
keep config-api/mailboxes.json "[]"
keep grafana/admin_password "$(secret)"
