#!/bin/bash
# What compose.yaml uses of the postgres image's entry point: in an empty volume it makes a cluster whose superuser has
# POSTGRES_PASSWORD, runs the scripts of /docker-entrypoint-initdb.d against it, then serves all interfaces.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
  install --directory --owner=postgres --group=postgres --mode=0700 "$PGDATA"
  install --directory --owner=postgres --group=postgres --mode=3777 /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Unquoted: several options.
  initdb --username=postgres --pwfile=<(echo "$POSTGRES_PASSWORD") --auth-local=trust --auth-host=scram-sha-256 \
    --pgdata="$PGDATA" ${POSTGRES_INITDB_ARGS:-}
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl --wait --options="-c listen_addresses=''" start
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
    esac
  done
  pg_ctl --wait --mode=fast stop
fi

exec "$@" -c listen_addresses='*'
