# shellcheck shell=bash
# Helpers of the end-to-end tests.  Loaded by every .bats file; runs only inside the sandbox.

bats_require_minimum_version 1.5.0
E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/setup/lib.sh
. "$E2E_DIR/../setup/lib.sh"
# shellcheck source=tests/setup/engine.sh
. "$E2E_DIR/../setup/engine.sh"
# shellcheck source=tests/setup/image.sh
. "$E2E_DIR/../setup/image.sh"
# shellcheck source=tests/setup/app-image.sh
. "$E2E_DIR/../setup/app-image.sh"

PROJECT_DB_PASSWORD=database-canary-91c2
# shellcheck disable=SC2034 # for the tests that stop and start the engine
ENGINE_DIR=${SHIPCTL_SANDBOX:?run the end-to-end tests through tests/setup/sandbox.sh}/engine

# --- projects --------------------------------------------------------------------------------

# project_new DIR [exact]: the project of the manual with local images.  The health check's times
# are shortened for the tests unless exact.
project_new() {
    local dir=$1 source=$E2E_DIR/project registry=$SHIPCTL_TEST_REGISTRY

    mkdir -p "$dir"/{logs,config}
    sed -e "s|registry.example.com/|$registry/|" -e "s|image: postgres:|image: $registry/postgres:|" \
        -e "s|image: nginx:|image: $registry/nginx:|" "$source/docker-compose.yml" \
        >"$dir/docker-compose.yml"
    [ "${2:-}" = exact ] ||
        sed -i 's/interval: 10s, timeout: 5s, retries: 3, start_period: 30s/interval: 1s, timeout: 2s, retries: 3, start_period: 2s/; s/interval: 2s, retries: 10/interval: 1s, retries: 20/' \
            "$dir/docker-compose.yml"
    cp "$source/nginx.conf" "$dir/nginx.conf"
    printf 'APP_VERSION=v1.0.0\nDB_PASSWORD=%s\n' "$PROJECT_DB_PASSWORD" >"$dir/.env"
    printf 'version: 1\napp: delivery\nimage: %s/app\n' "$registry" >"$dir/shipctl.yaml"
}

# project_small DIR [COMPOSE LINE...]: the app alone, with more keys of its service if given, for
# tests that need no database and no proxy.  It proves itself by one request.
project_small() {
    local dir=$1 registry=$SHIPCTL_TEST_REGISTRY

    mkdir -p "$dir/config"
    cat >"$dir/docker-compose.yml" <<EOF
services:
  app:
    image: $registry/app:\${APP_VERSION:-v1.0.0}
    container_name: delivery-app
    ports: ["8080:8080"]
    environment: ["DB_PASSWORD=\${DB_PASSWORD}", LOG_LEVEL=info]
    restart: always
    healthcheck: {test: [CMD, /app/app, probe, "http://localhost:8080/health"], interval: 1s, retries: 2}
    volumes: ["./config:/app/config"]
EOF
    [ $# -eq 1 ] || printf '    %s\n' "${@:2}" >>"$dir/docker-compose.yml"
    printf 'APP_VERSION=v1.0.0\nDB_PASSWORD=%s\n' "$PROJECT_DB_PASSWORD" >"$dir/.env"
    printf 'version: 1\napp: delivery\nimage: %s/app\nstrategy: {min_healthy: 0s}\n' "$registry" \
        >"$dir/shipctl.yaml"
}

# project_compose DIR ARGUMENT...: the real Compose.
project_compose() {
    docker compose --project-directory "$1" "${@:2}"
}

# app_publish TAG SETTING...: a version of the app made by this test, in both registries at once.
app_publish() {
    app_put "$SHIPCTL_SANDBOX/registry" app "$@" >/dev/null
}

# for_each COMMAND...: once, with the words of standard input as last arguments; not at all
# without any.
for_each() {
    xargs -r "$@" >/dev/null
}

# Removes everything a test left in the engine, but not the images of database and proxy.
engine_reset() {
    docker ps -aq | for_each docker rm -fv
    docker network prune -f >/dev/null
    docker volume ls -q | for_each docker volume rm -f
    docker images -q --filter 'reference=*/app' --filter 'reference=*/worker' | sort -u |
        for_each docker rmi -f
}

# --- waiting and asserting -------------------------------------------------------------------

# wait_for SECONDS COMMAND...: fails with the command's last words when it never succeeds.
wait_for() {
    poll_until "$@" && return
    echo "not within $1 s: ${*:2}" >&2
    "${@:2}" >&2
    return 1
}

# assert_exit CODE: judges the last `run`.
# shellcheck disable=SC2154 # bats sets status and output
assert_exit() {
    [ "$status" -eq "$1" ] && return
    printf 'exit code %s, expected %s; output:\n%s\n' "$status" "$1" "$output" >&2
    return 1
}

# assert_equal ACTUAL EXPECTED
assert_equal() {
    [ "$1" = "$2" ] && return
    printf "got '%s', expected '%s'\n" "$1" "$2" >&2
    return 1
}

# assert_contains TEXT PART
assert_contains() {
    [[ $1 == *"$2"* ]] && return
    printf "'%s' is not in: %s\n" "$2" "$1" >&2
    return 1
}

# json FILTER [TEXT]: a field of the last output, or of the text.
json() {
    jq -er "$1" <<<"${2:-$output}"
}

# json_is_one: the last output is one JSON object and nothing else.
json_is_one() {
    assert_equal "$(jq -s 'map(type) | join(" ")' <<<"$output")" '"object"'
}

# --- the engine, seen from outside -----------------------------------------------------------

# container_field NAME TEMPLATE: a field of docker inspect, e.g. .State.Status
container_field() {
    docker inspect --type container --format "{{$2}}" "$1"
}

container_id() {
    container_field "$1" .Id
}

# container_is NAME TEMPLATE VALUE, to be waited for
container_is() {
    [ "$(container_field "$1" "$2")" = "$3" ]
}

container_healthy() {
    container_is "$1" .State.Health.Status healthy
}

# http_is URL STATUS [CURL OPTION...], to be waited for
http_is() {
    [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "${@:3}" "$1")" = "$2" ]
}

# http_says URL TEXT
http_says() {
    [ "$(curl -sf --max-time 2 "$1")" = "$2" ]
}

# log_has NAME TEXT, to be waited for
log_has() {
    docker logs "$1" 2>&1 | grep -qF -- "$2"
}

# image_digest REPOSITORY TAG: what the plain registry serves.
image_digest() {
    curl -sfI -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
        "http://$SHIPCTL_TEST_REGISTRY/v2/$1/manifests/$2" |
        tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p'
}

# A moment for engine_mutations.
engine_now() {
    date +%s.%N
}

# engine_events SINCE: what changed in the engine since then, one "type action" a line.  Health
# probes and reads are no changes.
engine_events() {
    docker events --since "$1" --until "$(engine_now)" --format '{{.Type}} {{.Action}}' |
        grep -vE '^container (exec_|health_status|attach|resize|top|export|archive)' || true
}

# engine_mutations SINCE: how many.
engine_mutations() {
    engine_events "$1" | wc -l
}

# --- shipctl ---------------------------------------------------------------------------------

SHIPCTL=${SHIPCTL_BINARY:-$E2E_DIR/../../build-asan/shipctl}

# ship ARGUMENT...: run it; for assert_exit and json. Progress goes to a file, so $output is the answer.
ship() {
    run --separate-stderr "$SHIPCTL" "$@"
    # shellcheck disable=SC2154 # bats sets stderr
    [[ " $* " == *" --json "* ]] || output+=$'\n'$stderr
    return 0
}

# deployed VERSION: a deployment that must succeed on the way to what is tested.
deployed() {
    ship deploy "$1"
    assert_exit 0
}

# exit_of PID CODE: wait for a background shipctl and judge its exit code.
exit_of() {
    local code=0
    wait "$1" || code=$?
    [ "$code" -eq "$2" ] && return
    printf 'exit code %s, expected %s\n' "$code" "$2" >&2
    return 1
}

# plan_quick DIR: a short proof, for tests that are not about it.
plan_quick() {
    printf 'strategy: {min_healthy: 1s}\n' >>"$1/shipctl.yaml"
}

# plan_checks DIR LINE: the plan's checks.
plan_checks() {
    printf 'checks:\n  %s\n' "$2" >>"$1/shipctl.yaml"
}

# compose_is_content: the real Compose would change nothing.
compose_is_content() {
    local since
    since=$(engine_now)
    project_compose . up -d >/dev/null 2>&1
    assert_equal "$(engine_events "$since")" ""
}

# nothing_left_over: no parked container, candidate, one-off container or temporary file.
nothing_left_over() {
    assert_equal "$(docker ps -a --format '{{.Names}}' | grep -E 'shipctl-|-run-|^[0-9a-f]{12}_' || true)" ""
    assert_equal "$(find . -name '*.tmp*' -o -name '.shipctl*')" ""
}

# app_env NAME: a variable of the app's container.
app_env() {
    docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' delivery-app | sed -n "s/^$1=//p"
}

# lock_is_free: nobody holds the operation lock.
lock_is_free() {
    ! "$SHIPCTL" status --json 2>/dev/null | jq -e '.operation.pid > 0' >/dev/null
}
