#!/usr/bin/env bash
# Runs a command with a PostgreSQL server of its own: tests/with-postgres.sh COMMAND [ARGUMENT...]
#
# The server lives in a temporary folder, listens on a free loopback port, and is gone when the
# command ends. The command finds it in TALLYGATE_TEST_POSTGRES_URL (a superuser on database
# `postgres`; tests make databases of their own in it). A server that is already named there is used
# instead. PostgreSQL is installed from Debian's packages when it is missing and this runs as root.
set -euo pipefail

say() { printf '\033[2m  %s\033[0m\n' "$*" >&2; }
fail() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }

[ $# -gt 0 ] || fail "usage: $0 COMMAND [ARGUMENT...]"
if [ -n "${TALLYGATE_TEST_POSTGRES_URL:-}" ]; then
  exec "$@"
fi

# Debian keeps the server's programs off the PATH, one folder a version.
find_binaries() {
  local initdb
  initdb=$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1 || true)
  if [ -n "$initdb" ]; then dirname "$(readlink -f "$initdb")"; fi
}

binaries=$(find_binaries)
if [ -z "$binaries" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "PostgreSQL: installing from the distribution's packages"
    apt-get update -qq >&2
    # No cluster of the package's own: this script makes what it needs.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >&2
    binaries=$(find_binaries)
  fi
  [ -n "$binaries" ] || fail "PostgreSQL is needed by the tests; install it and run this again: sudo apt-get install postgresql"
fi

# The server refuses to run as root.
as_owner=()
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 || useradd --system --shell /bin/sh postgres
  as_owner=(setpriv --reuid postgres --regid postgres --clear-groups --)
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/tallygate-postgres.XXXXXX")
[ ${#as_owner[@]} -eq 0 ] || chown postgres "$folder"
cd "$folder"
server=
command=
stop() {
  trap - EXIT INT TERM
  [ -z "$command" ] || kill -TERM "$command" 2>/dev/null || true
  # SIGQUIT: at once. Nothing in it is worth a clean shutdown.
  [ -z "$server" ] || { kill -QUIT "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; }
  rm -rf "$folder"
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

"${as_owner[@]}" "$binaries/initdb" --pgdata=data --username=tallygate --auth=trust --encoding=UTF8 --locale=C --no-sync >initdb.log 2>&1 \
  || { cat initdb.log >&2; fail "initdb failed"; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Durability is the database's own business and not under test: no fsync, so that tests are quick.
"${as_owner[@]}" "$binaries/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c fsync=off -c full_page_writes=off -c max_connections=300 -c log_min_messages=fatal >server.log 2>&1 &
server=$!
for _ in $(seq 200); do
  "$binaries/pg_isready" -q -h 127.0.0.1 -p "$port" -U tallygate -d postgres && break
  kill -0 "$server" 2>/dev/null || { cat server.log >&2; fail "PostgreSQL did not start"; }
  sleep 0.05
done

export TALLYGATE_TEST_POSTGRES_URL="postgres://tallygate@127.0.0.1:$port/postgres"
cd "$OLDPWD"
# In the background, so that a signal reaches the trap at once; its standard input stays ours.
"$@" <&0 &
command=$!
status=0
wait "$command" || status=$?
command=
exit "$status"
