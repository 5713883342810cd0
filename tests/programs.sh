#!/bin/sh
# Makes sure that the programs of the tests are here: installs them where this user may, else says what is left out.
corpus="${DMARQ_CORPUS:-../shared/corpus}"
[ -f "$corpus/MANIFEST.tsv" ] || echo "left out: tests on the corpus (no MANIFEST.tsv in $corpus; see CONTRIBUTING.md)"
sh "$(dirname "$0")/mail_servers.sh"
if command -v npm >/dev/null 2>&1; then
  [ -e "$(dirname "$0")/node/node_modules/.package-lock.json" ] || npm ci --silent --prefix "$(dirname "$0")/node" \
    || echo "left out: tests of descriptions and of the consumer in Node (npm ci --prefix tests/node failed)"
else
  echo "left out: tests of descriptions and of the consumer in Node (install: apt-get install nodejs npm)"
fi
missing=""
command -v dovecot >/dev/null 2>&1 || [ -x /usr/sbin/dovecot ] || missing="$missing dovecot-imapd"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing$missing"
  # shellcheck disable=SC2086 # a list of packages
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing; } >/dev/null 2>&1 && exit 0
fi
echo "left out: tests that need$missing (install: apt-get install$missing)"
