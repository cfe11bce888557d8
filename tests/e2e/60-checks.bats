#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # the text of files; bats sets stderr
# Every check type and every kind of hook against real parts: the project of the manual is deployed
# once, with its PostgreSQL and nginx.

setup_file() {
    load helpers
    engine_reset
    export SHIPCTL_STATE_DIR=$BATS_FILE_TMPDIR/state
    project_new "$BATS_FILE_TMPDIR/delivery"
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    printf 'strategy: {min_healthy: 0s}\n' >>shipctl.yaml
    "$SHIPCTL" deploy v1.0.0 --progress none
    cp -a shipctl.yaml docker-compose.yml .env "$BATS_FILE_TMPDIR/"
}

teardown_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
}

teardown() {
    cp -a "$BATS_FILE_TMPDIR"/{shipctl.yaml,docker-compose.yml,.env} .
    http_says http://127.0.0.1:8080/version v1.0.0 || "$SHIPCTL" deploy v1.0.0 --progress none
}

# outcomes PHASE: runs each check of standard input ("pass|fail|unknown KEYS", KEYS in flow style)
# and compares what became of it; a message must hold the words behind "#", if any.
outcomes() {
    local want keys words i=0 id
    printf 'checks:\n  defaults: {retries: 1, timeout: 4s}\n  %s:\n' "$1" >>shipctl.yaml
    : >"$BATS_TEST_TMPDIR/wanted"
    while read -r want keys; do
        words=${keys##*\#} keys=${keys%%\#*}
        [ "$words" != "$keys" ] || words=
        i=$((i + 1)) id=check-$i
        printf '    - {id: %s, %s}\n' "$id" "$keys" >>shipctl.yaml
        printf '%s|%s|%s|%s\n' "$id" "$want" "${words# }" "$keys" >>"$BATS_TEST_TMPDIR/wanted"
    done
    ship check "$1" --json
    while IFS='|' read -r id want words keys; do
        assert_outcome "$id" "$want" "$words" "$keys"
    done <"$BATS_TEST_TMPDIR/wanted"
}

# assert_outcome ID STATUS WORDS KEYS
assert_outcome() {
    local got
    got=$(jq -r --arg id "$1" '.checks[] | select(.id == $id) | .status + ": " + .message' <<<"$output")
    [[ $got == "$2: "* && $got == *"$3"* ]] && return
    printf '{%s}\n  is %s\n  expected %s: ...%s\n' "$4" "$got" "$2" "$3" >&2
    [ -n "$got" ] || echo "$output" >&2
    return 1
}

# --- check types ---------------------------------------------------------------------------------

@test "disk, resource, port and registry look at the host and at the registry" {
    outcomes pre <<END
pass type: disk, min_free: 1MB
fail type: disk, min_free: 900TB # 900
pass type: disk, path: /, min_free: 1MB, min_free_inodes: 1
unknown type: disk, path: /nowhere # /nowhere
pass type: resource, max_memory_percent: 100, max_cpu_percent: 100, max_disk_percent: 100
fail type: resource, max_memory_percent: 1 # memory
pass type: port, port: 18999
pass type: port, port: 8080
fail type: port, port: 5000 # 5000
pass type: registry
pass type: registry, image: "$SHIPCTL_TEST_REGISTRY/worker:v1.0.0"
fail type: registry, image: "$SHIPCTL_TEST_REGISTRY/nobody:v1" # nobody
END
}

@test "tcp, dns and http: every key" {
    outcomes health <<'END'
pass type: tcp, port: 8080
pass type: tcp, service: postgres, port: 5432
fail type: tcp, port: 18999 # 18999
pass type: dns, name: localhost, expect: [127.0.0.1]
fail type: dns, name: localhost, expect: [192.0.2.99] # 192.0.2.99
pass type: dns, name: registry.test
pass type: http, url: "http://127.0.0.1:8080/health"
pass type: http, url: "http://127.0.0.1:80/version", contains: v1.0.0
pass type: http, url: "http://127.0.0.1:8080/version", matches: "^v[0-9.]+"
fail type: http, url: "http://127.0.0.1:8080/version", contains: v9 # v9
fail type: http, url: "http://127.0.0.1:8080/nowhere" # 404
pass type: http, url: "http://127.0.0.1:8080/nowhere", status: [200, 4xx]
pass type: http, url: "http://127.0.0.1:8080/nowhere", status: 400-499
fail type: http, url: "http://127.0.0.1:18999/" # 18999
pass type: http, url: "http://app:8080/health", via: container
pass type: http, url: "http://nginx/version", via: container, service: nginx
pass type: http, url: "http://shop.example:8080/health", resolve: 127.0.0.1
pass type: http, url: "http://127.0.0.1:80/health", header: {Server: ""}
fail type: http, url: "http://127.0.0.1:80/health", header: {X-Missing: ""} # X-Missing
pass type: http, url: "http://127.0.0.1:8080/health", max_latency: 3s, headers: {X-One: two}
fail type: http, url: "http://127.0.0.1:8080/health", status: 418, timeout: 2s # 200
fail type: http, url: "http://127.0.0.1:8080/version", json: {pointer: /a, equals: b} # JSON
END
}

@test "https: the authority, the host name and the days left" {
    outcomes health <<END
fail type: http, url: "https://$SHIPCTL_TEST_REGISTRY_TLS/", status: 200 # certificate
pass type: http, url: "https://$SHIPCTL_TEST_REGISTRY_TLS/", ca_file: $SHIPCTL_TEST_CA, min_tls_days: 20
fail type: http, url: "https://$SHIPCTL_TEST_REGISTRY_TLS/", ca_file: $SHIPCTL_TEST_CA, min_tls_days: 40 # days
pass type: http, url: "https://$SHIPCTL_TEST_REGISTRY_TLS/", insecure: true
fail type: http, url: "https://other.test:5443/", resolve: registry.test, ca_file: $SHIPCTL_TEST_CA # other.test
fail type: http, url: "https://$SHIPCTL_TEST_REGISTRY_TLS/v2/", ca_file: $SHIPCTL_TEST_CA # 401
END
}

@test "database asks the real PostgreSQL through its own client, and never shows the password" {
    outcomes post <<'END'
pass type: database, engine: postgres, service: postgres
pass type: database, engine: postgres, service: postgres, query: "select 1", database: delivery, user: postgres
fail type: database, engine: postgres, service: postgres, query: "select * from nowhere" # nowhere
fail type: database, engine: postgres, service: postgres, database: nobody, query: "select 1" # nobody
unknown type: database, engine: redis, service: postgres # -cli
unknown type: database, engine: mysql, service: postgres # -admin
END
    [[ $output$stderr != *"$PROJECT_DB_PASSWORD"* ]]
}

@test "a database that is stopped, paused or not there is never a pass" {
    plan_checks . 'post: [{id: db, type: database, engine: postgres, service: postgres, retries: 1, timeout: 2s}]'
    docker stop -t 1 delivery-db >/dev/null
    ship check post --json
    assert_exit 3
    [ "$(json '.checks[] | select(.id == "db") | .status')" != pass ]
    docker start delivery-db >/dev/null
    docker pause delivery-db >/dev/null
    ship check post --json
    docker unpause delivery-db >/dev/null
    assert_exit 3
    [ "$(json '.checks[] | select(.id == "db") | .status')" != pass ]
    wait_for 20 container_healthy delivery-db
}

@test "container, exec, command, log and healthcheck look at what runs" {
    printf '#!/bin/sh\necho "smoke of $1: $SHIPCTL_VERSION $MODE"; exit "${2:-0}"\n' >smoke.sh
    chmod 755 smoke.sh
    outcomes post <<'END'
pass type: container
pass type: container, service: postgres, healthy: true, max_restarts: 0
fail type: container, service: nginx, healthy: true # health
pass type: exec, command: [/app/app, version]
pass type: exec, service: postgres, user: postgres, command: [pg_isready, -U, postgres]
fail type: exec, command: [/app/app, probe, "http://localhost:1/"] # 1
unknown type: exec, command: [/no/such/program] # /no/such/program
pass type: command, command: [./smoke.sh, "${version}"], env: {MODE: quick}
fail type: command, command: [./smoke.sh, "${version}", "3"], env: {MODE: quick} # smoke of v1.0.0: v1.0.0 quick
unknown type: command, command: [./missing.sh] # missing.sh
fail type: command, command: [sleep, "30"], timeout: 300ms # did not end in time
pass type: command, command: [sh, -c, "yes | head -c 20000000"], timeout: 20s
pass type: log, deny: [PANIC]
fail type: log, deny: [listening] # listening
pass type: log, deny: [listening], allow: ["/listen.* on/"]
pass type: log, deny: ["/^FATAL:/"], service: nginx, watch: 100ms
pass type: healthcheck
pass type: healthcheck, service: postgres
END
    rm smoke.sh
}

@test "unknown blocks a deployment like a failure, and says that it is no failure: exit 15" {
    plan_checks . 'pre: [{id: cache, type: database, engine: redis, service: postgres}]'
    ship deploy v1.0.1 --json
    assert_exit 15
    assert_contains "$(json .error.message)" "could not be evaluated"
    assert_equal "$(json '.checks[] | select(.id == "cache") | .status')" unknown
}

@test "a check that is not required only warns; --strict makes 40 of it" {
    plan_checks . 'post: [{id: words, type: log, deny: [listening], required: false}]'
    ship deploy v1.0.1 --json --strict
    assert_exit 40
    assert_equal "$(json .outcome)" succeeded
    json '.warnings | any(contains("words"))'
}

@test "a smoke test that fails after the switch rolls back: exit 20, its output in the message" {
    printf '#!/bin/sh\necho "cart is empty in $1"; exit 1\n' >smoke.sh
    chmod 755 smoke.sh
    plan_checks . 'post: [{id: smoke, type: command, command: [./smoke.sh, "${version}"]}]'
    ship deploy v1.0.1 --json
    rm smoke.sh
    assert_exit 20
    assert_contains "$(json .error.message)" "cart is empty in v1.0.1"
    http_says http://127.0.0.1:8080/version v1.0.0
}

# --- hooks ---------------------------------------------------------------------------------------

@test "a backup in the database's container and a migration with the new image and the database's address" {
    cat >>shipctl.yaml <<'END'
hooks:
  backup: [{exec: {service: postgres, command: [pg_dump, -U, postgres, -f, "/var/lib/postgresql/data/before-${version}.sql", delivery]}}]
  migrate: [{run_image: new, command: [/app/app, migrate], reversible: true}]
END
    sed -i 's/LOG_LEVEL=info/APP_REQUIRE_DB=1/' docker-compose.yml
    ship deploy v1.0.1 -v
    assert_exit 0
    docker exec delivery-db grep -q 'dump complete' /var/lib/postgresql/data/before-v1.0.1.sql
    assert_contains "$output" "migrat"
    nothing_left_over
}

@test "a migration that fails leaves the old version, and its output is in the message: exit 17" {
    printf 'hooks: {migrate: [{run_image: new, command: [/app/app, migrate, --fail]}]}\n' >>shipctl.yaml
    ship deploy v1.0.1 --json
    assert_exit 17
    assert_equal "$(json .outcome)" refused
    assert_contains "$(json .error.message)" "migrate"
    nothing_left_over
}

@test "a migration that can not be undone forbids the way back: exit 31; rollback by hand works" {
    printf 'hooks: {migrate: [{run_image: new, command: [/app/app, migrate]}]}\n' >>shipctl.yaml
    plan_checks . 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 2, interval: 100ms}]'
    ship deploy v1.1.0-bad --json
    assert_exit 31
    assert_contains "$(json .rollback)" "not attempted"
    ship rollback v1.0.0 -y
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
}

@test "a hook that ignores SIGTERM ends at its time limit, with all its children: exit 17" {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "trap : TERM; echo $$ >pid; sleep 300 & while :; do sleep 1; done"], timeout: 1s}]}\n' >>shipctl.yaml
    local begin=$SECONDS
    ship deploy v1.0.1
    assert_exit 17
    assert_contains "$output" "1.0 s"
    [ $((SECONDS - begin)) -le 15 ]
    [ -s pid ]
    run ! pgrep -g "$(<pid)"
    rm pid
}

@test "a hook that prints without end does not fill memory or ledger, and its last words are kept" {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "yes | head -c 30000000; echo the end; exit 5"], timeout: 20s}]}\n' >>shipctl.yaml
    ship deploy v1.0.1 --json
    assert_exit 17
    assert_contains "$(json '.error.message + (.evidence // "")')" "5"
    [ "${#output}" -lt 200000 ]
    [ "$(stat -c %s "$SHIPCTL_STATE_DIR/ledger.db")" -lt 2000000 ]
}

@test "a migration container that does not end is removed at its time limit: exit 17" {
    printf 'hooks: {migrate: [{run_image: new, command: [/app/app, sleep, "300"], timeout: 1s}]}\n' >>shipctl.yaml
    ship deploy v1.0.1
    assert_exit 17
    nothing_left_over
}

@test "hooks see the documented variables and nothing of the caller's" {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "env >hook.env; cat >hook.in"]}]}\n' >>shipctl.yaml
    SECRET_OF_CALLER=canary-77 ship deploy v1.0.1 <<<"standard input"
    assert_exit 0
    grep -qx 'SHIPCTL_VERSION=v1.0.1' hook.env
    grep -qx 'SHIPCTL_OLD_VERSION=v1.0.0' hook.env
    grep -qx 'SHIPCTL_APP=delivery' hook.env
    run ! grep -q canary hook.env
    assert_equal "$(<hook.in)" ""
    rm hook.env hook.in
}
