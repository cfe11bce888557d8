#!/bin/sh
# First start: creates the cluster, the superuser's password and the database; then, and at every
# later start, becomes the server.  Honours what the official image honours of POSTGRES_USER,
# POSTGRES_PASSWORD, POSTGRES_DB and POSTGRES_HOST_AUTH_METHOD.
set -eu

become_postgres() {
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    exec su -p -s /bin/sh postgres /entrypoint.sh "$@"
}

create_cluster() {
    [ -n "${POSTGRES_PASSWORD:-}" ] || [ "${POSTGRES_HOST_AUTH_METHOD:-}" = trust ] || {
        echo 'Error: superuser password is not specified: set POSTGRES_PASSWORD' >&2
        exit 1
    }
    printf '%s\n' "${POSTGRES_PASSWORD:-unused}" >/tmp/pw
    initdb -D "$PGDATA" -U "$user" --pwfile=/tmp/pw --auth-local=trust --auth-host=scram-sha-256 \
        --locale=C --encoding=UTF8 --no-sync >/tmp/initdb.log || { cat /tmp/initdb.log && exit 1; }
    rm -f /tmp/pw
    echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    [ "$database" = postgres ] || printf 'CREATE DATABASE "%s";\n' "$database" |
        postgres --single -F -D "$PGDATA" postgres >/dev/null
}

[ "${1:-postgres}" = postgres ] || exec "$@"
[ "$(id -u)" != 0 ] || become_postgres "$@"
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
[ -s "$PGDATA/PG_VERSION" ] || create_cluster
shift
exec postgres -D "$PGDATA" -c listen_addresses='*' -c jit=off "$@"
