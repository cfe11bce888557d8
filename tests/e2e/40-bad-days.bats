#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test has variables of its own
# Bad input and bad days: each ends with a message that names the object, the exit code of the
# contract, and v1.0.0 serving as before.  The file has one project with v1.0.0 deployed.

setup_file() {
    load helpers
    engine_reset
    export SHIPCTL_STATE_DIR=$BATS_FILE_TMPDIR/state
    project_small "$BATS_FILE_TMPDIR/delivery"
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    "$SHIPCTL" deploy v1.0.0 --progress none
    cp -a . "$BATS_FILE_TMPDIR/good"
}

teardown_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    SINCE=$(engine_now)
}

# The good files again; and v1.0.0, should a test have left something else.
teardown() {
    find . -mindepth 1 -delete
    cp -a "$BATS_FILE_TMPDIR/good/." .
    http_says http://127.0.0.1:8080/version v1.0.0 || "$SHIPCTL" deploy v1.0.0 --force --progress none
}

# refused CODE ARGUMENT...: shipctl ends with CODE and neither the engine nor the files change.
refused() {
    local before
    before=$(find . -type f -exec sha256sum {} + | sort)
    ship "${@:2}"
    assert_exit "$1"
    assert_equal "$(engine_mutations "$SINCE")" 0
    assert_equal "$(find . -type f -exec sha256sum {} + | sort)" "$before"
}

# still_v1: after a failure v1.0.0 serves and nothing is left over.
still_v1() {
    http_says http://127.0.0.1:8080/version v1.0.0
    grep -qx 'APP_VERSION=v1.0.0' .env
    nothing_left_over
}

# health_forever: the new version is never healthy, and there is time to interrupt.
health_forever() {
    plan_checks . 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 100, interval: 500ms}]'
}

# hook_before_switch: the deployment waits before the switch, after having made the file.
hook_before_switch() {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "touch started; exec sleep 30"]}]}\n' >>shipctl.yaml
}

# --- plan and compose file -----------------------------------------------------------------------

# faulty FILE WORDS <<TEXT: deploy refuses the file, naming it with line and column, the line itself
# with a caret, and these words.
faulty() {
    cat >"$1"
    refused 10 deploy v1.0.1
    [[ $output =~ $1:[0-9]+:[0-9]+ ]]
    assert_contains "$output" "$2"
    grep -qE '^ *(\| *)?\^' <<<"$output" || grep -qE '\^$' <<<"$output"
}

@test "a broken plan is refused with file, line, column, the line and a caret: exit 10" {
    local head="version: 1
app: delivery
image: $SHIPCTL_TEST_REGISTRY/app"
    faulty shipctl.yaml "" <<<"$head
checks: {pre: ["
    faulty shipctl.yaml "app" <<<"$head
app: twice"
    faulty shipctl.yaml "did you mean 'strategy'" <<<"$head
stratgy: {}"
    faulty shipctl.yaml "unit" <<<"$head
strategy: {min_healthy: 5}"
    faulty shipctl.yaml "min_free" <<<"$head
checks: {pre: [{type: disk, min_free: 1XB}]}"
    faulty shipctl.yaml "wrb" <<<"$head
services: {wrb: {}}"
    faulty shipctl.yaml "wrb" <<<"$head
checks: {health: [{type: exec, service: wrb, command: [x]}]}"
    faulty shipctl.yaml "did you mean 'app'" <<<"$head
hooks: {backup: [{exec: {service: ap, command: [x]}}]}"
    faulty shipctl.yaml "deny" <<<"$head
checks: {post: [{type: log}]}"
    faulty shipctl.yaml "canary" <<<"$head
strategy: {type: canary}"
}

@test "several faults are reported at once" {
    printf 'version: 2\napp: Not A Name\nimage: x:y\nprune: {keep: 0}\ntimeouts: {pull: never}\nhook: {}\n' >shipctl.yaml
    refused 10 check lint
    [ "$(grep -cE 'shipctl.yaml:[0-9]+:[0-9]+' <<<"$output")" -ge 5 ]
    refused 10 deploy v1 --json
    json_is_one
    assert_equal "$(json '[.outcome, .exit_code] | join(" ")')" "refused 10"
}

@test "a broken compose file is refused the same way: exit 10" {
    faulty docker-compose.yml "" <<<'services: {app: ['
    faulty docker-compose.yml "image" <<<"services:
  app:
    image: $SHIPCTL_TEST_REGISTRY/app:v1
    image: twice"
    faulty docker-compose.yml "NEEDED" <<<"services:
  app: {image: \"$SHIPCTL_TEST_REGISTRY/app:v1\", command: \"\${NEEDED:?give it}\"}"
    faulty docker-compose.yml "parsecs" <<<"services:
  app: {image: \"$SHIPCTL_TEST_REGISTRY/app:v1\", mem_limit: 5 parsecs}"
    faulty docker-compose.yml "restrat" <<<"services:
  app: {image: \"$SHIPCTL_TEST_REGISTRY/app:v1\", restrat: always}"
    faulty docker-compose.yml "nowhere" <<<"services:
  app: {image: \"$SHIPCTL_TEST_REGISTRY/app:v1\", depends_on: [nowhere]}"
}

@test "a plan others may write, or of another owner, is refused with the command that repairs it: exit 10" {
    chmod o+w shipctl.yaml
    refused 10 deploy v1.0.1
    assert_contains "$output" "chmod"
    chmod o-w shipctl.yaml
    chown nobody shipctl.yaml
    refused 10 deploy v1.0.1
    assert_contains "$output" "shipctl.yaml"
    chown root shipctl.yaml
    chmod o+w .
    ship deploy v1.0.1
    chmod o-w .
    assert_exit 10
}

@test "no compose file, no plan, a folder that is not there" {
    rm docker-compose.yml
    refused 10 deploy v1.0.1
    assert_contains "$output" "docker-compose.yml"
    rm shipctl.yaml
    refused 10 deploy v1.0.1
    assert_contains "$output" "shipctl init"
    refused 2 -C /nowhere deploy v1.0.1
    refused 10 -f other.yaml deploy v1.0.1
    assert_contains "$output" "other.yaml"
}

@test "a version that can be no tag is a usage error: exit 2" {
    local version
    for version in 'v1 0' '' ':v1' 'v1/../2' $'v1\n' "$(printf 'x%.0s' {1..129})" 'sha256:12' '.v1'; do
        refused 2 deploy -- "$version"
    done
    refused 2 rollback --to 0
}

# --- the engine ------------------------------------------------------------------------------------

@test "no socket, or no socket of an engine: exit 11, the path, the remedy" {
    export DOCKER_HOST=unix://$BATS_TEST_TMPDIR/none.sock
    ship deploy v1.0.1
    assert_exit 11
    assert_contains "$output" none.sock
    assert_contains "$output" "next:"
    : >"$BATS_TEST_TMPDIR/none.sock"
    ship deploy v1.0.1
    assert_exit 11
    DOCKER_HOST=tcp://127.0.0.1:2375 ship deploy v1.0.1
    assert_contains "$output" "tcp://127.0.0.1:2375"
    [ "$status" -eq 10 ] || [ "$status" -eq 11 ] || [ "$status" -eq 2 ]
}

@test "a user who may not use the socket is told so: exit 11" {
    local dir
    dir=$(mktemp -d)
    chmod 755 "$dir"
    cp -a "$SHIPCTL" docker-compose.yml shipctl.yaml .env "$dir"
    install -d -o nobody "$dir/state"
    python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$dir/real.sock"
    chmod 600 "$dir/real.sock"
    SHIPCTL_STATE_DIR=$dir/state DOCKER_HOST=unix://$dir/real.sock HOME=$dir/state \
        run setpriv --reuid 65534 --clear-groups "$dir/shipctl" -C "$dir" deploy v1.0.1
    rm -rf "$dir"
    assert_exit 11
    assert_contains "$output" real.sock
    assert_contains "$output" "no permission to use the engine socket"
    assert_contains "$output" "sudo"
}

# hung_engine: a socket that takes every connection and never answers.
hung_engine() {
    python3 - "$BATS_TEST_TMPDIR/hung.sock" >/dev/null 2>&1 3>&- <<'PYTHON' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(64)
held = []
while True:
    held.append(s.accept())
PYTHON
    HUNG=$!
    wait_for 5 test -S "$BATS_TEST_TMPDIR/hung.sock"
    export DOCKER_HOST=unix://$BATS_TEST_TMPDIR/hung.sock
}

@test "an engine that never answers: status within 5 s, deploy within its deadline: exit 11" {
    hung_engine
    local begin=$SECONDS
    ship status
    assert_exit 11
    [ $((SECONDS - begin)) -le 6 ]
    assert_contains "$output" v1.0.0
    begin=$SECONDS
    ship deploy v1.0.1
    kill "$HUNG"
    assert_exit 11
    assert_contains "$output" hung.sock
    [ $((SECONDS - begin)) -le 20 ]
}

@test "Ctrl-C while the engine does not answer: exit 130 at once" {
    hung_engine
    env --default-signal=INT "$SHIPCTL" deploy v1.0.1 --progress plain 2>"$BATS_TEST_TMPDIR/progress" 3>&- &
    local pid=$! begin
    wait_for 5 test -s "$BATS_TEST_TMPDIR/progress"
    sleep 0.2
    begin=$SECONDS
    kill -INT "$pid"
    exit_of "$pid" 130
    kill "$HUNG"
    [ $((SECONDS - begin)) -le 2 ]
}

# engine_back: the engine answers and the app's container runs again.
engine_back() {
    engine_start "$ENGINE_DIR"
    wait_for 20 docker ps
}

@test "an engine that is killed and comes back during the health checks: one version serves in the end" {
    health_forever
    "$SHIPCTL" deploy v1.1.0-bad --progress plain --json 2>progress >"$BATS_TEST_TMPDIR/answer" 3>&- &
    local pid=$! code=0
    wait_for 20 grep -q wait-running progress
    engine_stop "$ENGINE_DIR" KILL
    sleep 1
    engine_back
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" || code=$?
    assert_equal "$code" 20
    still_v1
    assert_equal "$(docker ps -q | wc -l)" 1
    container_is delivery-app .HostConfig.RestartPolicy.Name always
}

# --- registry and image --------------------------------------------------------------------------

@test "a registry that is down: exit 11, and the version that is here can still be rolled back to" {
    deployed v1.0.1
    deployed v1.0.0
    registry_stop_plain
    SINCE=$(engine_now)
    refused 11 deploy v1.0.2
    assert_contains "$output" "$SHIPCTL_TEST_REGISTRY"
    ship rollback v1.0.1 -y
    registry_start_plain
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.1
}

registry_stop_plain() {
    kill "$(<"$SHIPCTL_SANDBOX/registry/plain.pid")"
    wait_for 5 registry_is_silent
}

registry_is_silent() {
    ! curl -s --max-time 1 "http://$SHIPCTL_TEST_REGISTRY/v2/"
}

registry_start_plain() {
    # shellcheck source=tests/setup/registry.sh
    . "$E2E_DIR/../setup/registry.sh"
    registry_run "$SHIPCTL_SANDBOX/registry" plain
    wait_for 10 registry_answers "http://$SHIPCTL_TEST_REGISTRY/v2/"
}

@test "a registry that wants a password: exit 16, and the docker login to type" {
    sed -i "s|$SHIPCTL_TEST_REGISTRY|$SHIPCTL_TEST_REGISTRY_TLS|" docker-compose.yml shipctl.yaml
    DOCKER_CONFIG=$BATS_TEST_TMPDIR refused 16 deploy v1.0.1
    assert_contains "$output" "docker login $SHIPCTL_TEST_REGISTRY_TLS"
}

@test "a tag that moved in the registry is another version: it is deployed, and can be undone" {
    local first
    app_publish v5.0.0 APP_VERSION_NAME=v5.0.0-first
    deployed v5.0.0
    first=$(image_digest app v5.0.0)
    ship deploy v5.0.0 --json
    assert_equal "$(json .outcome)" noop
    app_publish v5.0.0 APP_VERSION_NAME=v5.0.0-second
    ship deploy v5.0.0 --json
    assert_exit 0
    assert_equal "$(json .outcome)" succeeded
    assert_equal "$(json .from.digest)" "$first"
    assert_equal "$(json .to.digest)" "$(image_digest app v5.0.0)"
    http_says http://127.0.0.1:8080/version v5.0.0-second
    ship rollback -y --json
    assert_exit 0
    assert_equal "$(json .to.digest)" "$first"
    http_says http://127.0.0.1:8080/version v5.0.0-first
}

# --- the host ------------------------------------------------------------------------------------

@test "too little room on the engine's disk: exit 15, both numbers" {
    plan_checks . 'pre: [{id: room, type: disk, min_free: 900TB}]'
    refused 15 deploy v1.0.1
    assert_contains "$output" "900"
    assert_contains "$output" "room"
}

@test "no room for the ledger: nothing is deployed" {
    local dir=$BATS_TEST_TMPDIR/tiny
    mkdir "$dir"
    mount -t tmpfs -o size=64k tmpfs "$dir"
    SHIPCTL_STATE_DIR=$dir ship deploy v1.0.1
    umount "$dir"
    assert_exit 11
    assert_contains "$output" "$dir"
    assert_contains "$output" "free some space"
    assert_equal "$(engine_mutations "$SINCE")" 0
}

@test "a state directory that cannot be written: exit 11" {
    local dir=$BATS_TEST_TMPDIR/readonly
    mkdir "$dir"
    mount -t tmpfs -o ro tmpfs "$dir"
    SHIPCTL_STATE_DIR=$dir refused 11 deploy v1.0.1
    umount "$dir"
    assert_contains "$output" "$dir"
    : >"$BATS_TEST_TMPDIR/file"
    SHIPCTL_STATE_DIR=$BATS_TEST_TMPDIR/file refused 11 deploy v1.0.1
}

@test "a ledger of a newer shipctl, a damaged one and something that is none: exit 11" {
    local state=$BATS_TEST_TMPDIR/state
    cp -a "$SHIPCTL_STATE_DIR" "$state"
    sqlite3 "$state/ledger.db" "pragma user_version = 99; update meta set value = 99 where key = 'min_reader'"
    SHIPCTL_STATE_DIR=$state refused 11 deploy v1.0.1
    assert_contains "$output" "schema 99"
    SHIPCTL_STATE_DIR=$state refused 11 status
    cp "$SHIPCTL_STATE_DIR/ledger.db" "$state/ledger.db"
    dd if=/dev/urandom of="$state/ledger.db" bs=4096 seek=1 count=8 conv=notrunc status=none
    SHIPCTL_STATE_DIR=$state refused 11 deploy v1.0.1
    assert_contains "$output" "ledger.db"
    echo "no database" >"$state/ledger.db"
    SHIPCTL_STATE_DIR=$state refused 11 deploy v1.0.1
    assert_contains "$output" "next:"
}

@test "a lost ledger: the next deployment adopts what runs" {
    local state=$BATS_TEST_TMPDIR/empty
    SHIPCTL_STATE_DIR=$state ship deploy v9.9.9 # takes a number of its own
    assert_exit 16
    SHIPCTL_STATE_DIR=$state ship deploy v1.0.1 --json
    assert_exit 0
    assert_equal "$(json .from.version)" v1.0.0
    SHIPCTL_STATE_DIR=$state ship rollback -y
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.0
}

@test "a port that another container publishes: exit 15, its name" {
    docker run -d --name squatter -p 8090:8080 "$SHIPCTL_TEST_REGISTRY/app:v1.0.0" >/dev/null
    sed -i 's/"8080:8080"/"8080:8080", "8090:8080"/' docker-compose.yml
    SINCE=$(engine_now)
    refused 15 deploy v1.0.1
    docker rm -f squatter >/dev/null
    assert_contains "$output" 8090
    assert_contains "$output" squatter
}

@test "a container name that somebody else's container has: nothing of it is touched" {
    docker run -d --name taken "$SHIPCTL_TEST_REGISTRY/app:v1.0.0" >/dev/null
    local id
    id=$(container_id taken)
    sed -i 's/delivery-app/taken/; s/8080:8080/8095:8080/' docker-compose.yml
    sed -i 's/app: delivery/app: second/; $ a project: second' shipctl.yaml
    ship deploy v1.0.1
    assert_equal "$(container_field taken .State.Running)" true
    assert_equal "$(container_id taken)" "$id"
    docker rm -f taken >/dev/null
    [ "$status" -ne 0 ]
    assert_exit 15
    assert_contains "$output" taken
}

# --- the new version -----------------------------------------------------------------------------

@test "a version that takes too much memory: exit 20, and the message says out of memory" {
    sed -i 's/restart: always/restart: always\n    mem_limit: 64m/' docker-compose.yml
    sed -i 's/min_healthy: 0s/min_healthy: 4s/' shipctl.yaml
    ship deploy v1.1.5-oom --json
    assert_exit 20
    assert_contains "$(json '.error.message + .evidence' | tr '[:upper:]' '[:lower:]')" "out of memory"
    still_v1
}

@test "a version that crashes again and again: exit 20, with restarts and exit code" {
    sed -i 's/min_healthy: 0s/min_healthy: 4s/' shipctl.yaml
    ship deploy v1.1.1-crash --json
    assert_exit 20
    assert_contains "$(json .error.message)" "restart"
    [[ $(json .evidence) =~ restarts:\ [1-9] ]]
    [[ $(json .evidence) != *"exit code 0"* ]]
    assert_contains "$(json .evidence)" "gave up"
    still_v1
}

@test "an app that ignores SIGTERM is killed after its stop_grace_period" {
    sed -i 's/restart: always/restart: always\n    stop_grace_period: 1s/' docker-compose.yml
    deployed v1.1.6-deaf
    ship deploy v1.0.0 --json
    assert_exit 0
    [ "$(json .downtime_ms)" -ge 900 ]
    [ "$(json .downtime_ms)" -lt 5000 ]
    still_v1
}

# --- the caller ----------------------------------------------------------------------------------

@test "closed standard input, output and error do no harm" {
    "$SHIPCTL" deploy v1.0.1 <&- >&- 2>&- 3>&-
    http_says http://127.0.0.1:8080/version v1.0.1
    "$SHIPCTL" rollback -y <&- >&- 2>&- 3>&-
    http_says http://127.0.0.1:8080/version v1.0.0
    "$SHIPCTL" status >&- 2>&-
}

@test "a lost connection (SIGHUP) before the switch: nothing changed, exit 129" {
    hook_before_switch
    "$SHIPCTL" deploy v1.0.1 --progress none 3>&- &
    local pid=$!
    wait_for 20 test -e started
    kill -HUP "$pid"
    exit_of "$pid" 129
    still_v1
}

@test "a lost connection (SIGHUP) after the switch: rolled back, exit 20" {
    health_forever
    "$SHIPCTL" deploy v1.1.0-bad --progress plain 2>progress 3>&- &
    local pid=$!
    wait_for 20 grep -q wait-running progress
    kill -HUP "$pid"
    exit_of "$pid" 20
    still_v1
}

# deploy_into READER VERSION: progress goes to a reader; prints the exit code of shipctl.
deploy_into() {
    local code=0
    "$SHIPCTL" deploy "$2" --progress plain 2> >(exec 3>&- && eval "$1" >/dev/null) 3>&- || code=$?
    printf '%s' "$code"
}

@test "a reader of the progress that goes away before the switch: nothing changed, exit 141" {
    printf 'hooks: {pre_deploy: [{command: [sleep, "1"]}]}\n' >>shipctl.yaml
    assert_equal "$(deploy_into 'head -n 1' v1.0.1 | tail -c 3)" 141
    still_v1
}

@test "a reader of the progress that goes away after the switch: rolled back, exit 20" {
    health_forever
    assert_equal "$(deploy_into 'sed /switch/q' v1.1.0-bad | tail -c 2)" 20
    still_v1
}

@test "nohup: an ignored SIGHUP stays ignored" {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "touch started; exec sleep 1"]}]}\n' >>shipctl.yaml
    env --ignore-signal=HUP "$SHIPCTL" deploy v1.0.1 --progress none >/dev/null 3>&- &
    local pid=$!
    wait_for 20 test -e started
    kill -HUP "$pid"
    exit_of "$pid" 0
    http_says http://127.0.0.1:8080/version v1.0.1
}
