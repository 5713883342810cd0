#!/bin/sh
# Unpacks Cyrus and Courier beside each other, for the fetcher's tests: as packages they exclude Dovecot and each other.
# Prometheus beside them, for its promtool. Nothing is installed, and nothing of this machine changes but the folder. Where
# they cannot be had a line says so.
servers="${DMARQ_MAIL_SERVERS:-${TMPDIR:-/tmp}/dmarq-mail-servers}"

missing_libraries() { # of these packages, with what they need in turn
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
    grep -E '^lib[a-z0-9.+-]+$' | sort -u | while read -r library; do
    dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null | grep -q '^installed$' || echo "$library"
  done
}

unpack() { # name, a program that is in it, packages
  name="$1" program="$2"
  shift 2
  [ -x "$servers/$name/$program" ] && return 0
  command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || return 1
  mkdir -p "$servers/$name" && chmod 755 "$servers" "$servers/$name" || return 1
  downloads="$(mktemp -d)" || return 1
  # shellcheck disable=SC2046 # a list of packages
  (cd "$downloads" && apt-get download -qq "$@" $(missing_libraries "$@") >/dev/null 2>&1)
  for package in "$downloads"/*.deb; do
    [ -f "$package" ] && dpkg -x "$package" "$servers/$name"
  done
  rm -rf "$downloads"
  chmod 755 "$servers/$name"
  [ -x "$servers/$name/$program" ]
}

unpack cyrus usr/lib/cyrus/bin/master cyrus-common cyrus-imapd sasl2-bin libsasl2-modules libsasl2-modules-db ||
  echo "left out: tests on Cyrus (its packages could not be downloaded)"
unpack courier usr/libexec/gam_server courier-imap courier-base courier-authlib gamin ||
  echo "left out: tests on Courier (its packages could not be downloaded)"
unpack prometheus usr/bin/promtool prometheus ||
  echo "left out: tests on Prometheus' configuration and alerts (its package could not be downloaded)"
exit 0
