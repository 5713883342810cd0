#!/bin/sh
# Makes the secrets of the stack, each in the volume of the one container that needs it. Every service has its own
# password for NATS and PostgreSQL; nobody has to think one up, and none is in a file of the project.
#
# What is there is left alone: to have a secret made again, delete its file. What follows from a secret is written again,
# but for a URL that names a server of your own. Files can be read by everybody inside a volume, and one container
# mounts it.
set -eu
umask 022
cd "${1:-/volumes}"

secret() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
write() { # FILE CONTENT: whole or not at all
  printf '%s\n' "$2" > "$1.new" && mv "$1.new" "$1"
}
keep() { # FILE CONTENT: unless there is one
  [ -s "$1" ] || write "$1" "$2"
}
url() { # FILE URL SERVER: unless the file names another server
  case $(cat "$1" 2> /dev/null || :) in "" | *"@$3"*) write "$1" "$2" ;; esac
}

for user in fetcher extractor parser config-api notifier migrate reports events operator; do keep "nats/$user" "$(secret)"; done
for user in fetcher extractor parser config-api notifier migrate; do
  url "$user/nats_url" "nats://$user:$(cat "nats/$user")@nats:4222" nats:4222
done
for user in fetcher extractor parser config-api notifier migrate reports events operator; do
  printf '%s_PASSWORD: "%s"\n' "$(printf %s "$user" | tr 'a-z-' 'A-Z_')" "$(cat "nats/$user")"
done > nats/passwords.conf.new
mv nats/passwords.conf.new nats/passwords.conf

for role in superuser owner parser config_api notifier grafana; do keep "postgres/$role" "$(secret)"; done
database_url() { printf 'postgresql://dmarq_%s:%s@postgres:5432/dmarq' "$1" "$(cat "postgres/$1")"; }
url migrate/database_url "$(database_url owner)" postgres:5432
url parser/database_url "$(database_url parser)" postgres:5432
url config-api/database_url "$(database_url config_api)" postgres:5432
url notifier/database_url "$(database_url notifier)" postgres:5432
write grafana/database_password "$(cat postgres/grafana)"
keep grafana/admin_password "$(secret)"

keep config-api/secret_key "$(secret)"
# An earlier version made keys of 24 bytes: a new one comes first and seals, the old one still opens.
first=$(cut -d, -f1 config-api/secret_key)
[ ${#first} -ge 64 ] || ! printf %s "$first" | grep -qE '^[0-9a-f]+$' \
  || write config-api/secret_key "$(secret),$(cat config-api/secret_key)"
cp config-api/secret_key fetcher/secret_key
cp config-api/secret_key notifier/secret_key
write config-api/mailboxes.json "[]" # the demo's come after this, and only with its profile
