#!/bin/sh
# Makes sure that the programs of the tests are here: installs them where this user may, else says what is left out.
corpus="${DMARQ_CORPUS:-../shared/corpus}"
[ -f "$corpus/MANIFEST.tsv" ] || echo "left out: tests on the corpus (no MANIFEST.tsv in $corpus; see CONTRIBUTING.md)"
node_packages() {
  if ! command -v npm >/dev/null 2>&1; then
    echo "left out: tests of descriptions and of the consumer in Node (install: apt-get install nodejs npm)"
  elif [ ! -e "$1/node_modules/.package-lock.json" ]; then
    npm ci --silent --prefix "$1" || echo "left out: tests that need the packages of tests/node (npm ci failed)"
  fi
}
node_packages "$(dirname "$0")/node" & # beside the others, as it takes a while
trap wait EXIT
sh "$(dirname "$0")/mail_servers.sh"
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
