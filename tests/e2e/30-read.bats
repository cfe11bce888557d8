#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets stderr
# What asks and changes nothing: status, history, check, dry runs; and init, which writes a plan.
# One project for the file: v1.0.0, v1.0.1 and v1.0.2 were deployed, then one version failed.

setup_file() {
    load helpers
    engine_reset
    export SHIPCTL_STATE_DIR=$BATS_FILE_TMPDIR/state
    project_small "$BATS_FILE_TMPDIR/delivery"
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    "$SHIPCTL" deploy v1.0.0 --progress none
    sed -i 's/LOG_LEVEL=info/LOG_LEVEL=debug/' docker-compose.yml
    "$SHIPCTL" deploy v1.0.1 --progress none
    "$SHIPCTL" deploy v1.0.2 --progress none --reason 'for the tests' --json >"$BATS_FILE_TMPDIR/newest"
    "$SHIPCTL" deploy v1.1.2-exit --progress none || [ $? -eq 20 ]
}

teardown_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    mkdir "$BATS_TEST_TMPDIR/before"
    cp docker-compose.yml shipctl.yaml .env "$BATS_TEST_TMPDIR/before/"
}

# The files and the container are again what the next test expects.
teardown() {
    cp "$BATS_TEST_TMPDIR"/before/{docker-compose.yml,shipctl.yaml,.env} .
    rm -f config/unhealthy
}

# --- status ----------------------------------------------------------------------------------

@test "status shows version, digest, who, since when, state, health, usage and what a rollback restores" {
    wait_for 5 container_healthy delivery-app
    ship status
    assert_exit 0
    assert_contains "$output" "delivery (production) v1.0.2: healthy"
    assert_contains "$output" "$(image_digest app v1.0.2 | cut -c 1-19)"
    assert_contains "$output" "for the tests"
    assert_contains "$output" "$(id -un)"
    assert_contains "$output" "v1.0.1 (deployment 2), ready: shipctl rollback"
    assert_contains "$output" delivery-app
    [[ $output != *Drift* ]]
}

@test "status --json is one object with every field of the contract" {
    wait_for 5 container_healthy delivery-app
    ship status --json
    assert_exit 0
    json_is_one
    assert_equal "$(json '[.app, .environment, .version, .healthy] | join(" ")')" "delivery production v1.0.2 true"
    assert_equal "$(json .digest)" "$(image_digest app v1.0.2)"
    assert_equal "$(json '.services[0] | [.service, .container, .state, .health] | join(" ")')" "app delivery-app running healthy"
    [ "$(json '.services[0].memory_bytes')" -gt 0 ]
    json '.services[0].cpu_pct >= 0'
    json '.deployed_at | test("^20[0-9-]+T[0-9:.]+Z$")'
    assert_equal "$(json '.drift | length')" 0
    json '.operation == null'
    assert_equal "$(json '.previous | [.version, .image_is_local] | join(" ")')" "v1.0.1 true"
}

@test "status of an environment that was never deployed: exit 4" {
    printf 'environments: {staging: {project: delivery-staging}}\n' >>shipctl.yaml
    ship -e staging status
    assert_exit 4
    assert_contains "$output" "never deployed"
    ship -e staging status --json
    assert_exit 4
    json '.version == null and .deployment == null and .exit_code == 4'
}

@test "a stopped app: exit 3, and the next command" {
    docker stop -t 1 delivery-app >/dev/null
    ship status
    assert_exit 3
    assert_contains "$output" "not healthy"
    assert_contains "$output" "exited"
    assert_contains "$output" "next: shipctl deploy v1.0.2"
    docker start delivery-app >/dev/null
    ship status --wait=10s
    assert_exit 0
}

@test "a removed app: exit 3, missing; the command it names brings it back" {
    docker rm -f delivery-app >/dev/null
    ship status
    assert_exit 3
    assert_contains "$output" missing
    assert_contains "$output" "next: shipctl deploy v1.0.2"
    deployed v1.0.2
    ship status
    assert_exit 0
}

@test "an unhealthy app: exit 3; --wait ends when it is healthy again, or when its time is over" {
    touch config/unhealthy
    wait_for 10 container_is delivery-app .State.Health.Status unhealthy
    ship status --json
    assert_exit 3
    assert_equal "$(json '.services[0].health')" unhealthy
    ship status --wait=300ms
    assert_exit 3
    rm config/unhealthy
    ship status --wait=20s -q
    assert_exit 0
    container_healthy delivery-app
}

@test "a change by docker update is drift, and the command it names undoes it" {
    docker update --restart=no delivery-app >/dev/null
    ship status --json
    assert_equal "$(json '.drift[0].kind')" restart-policy
    eval "$(json '.drift[0].hint')" >/dev/null
    ship status --json
    assert_equal "$(json '.drift | length')" 0
}

@test "another version started behind our back is drift" {
    APP_VERSION=v1.0.1 project_compose . up -d >/dev/null 2>&1
    ship status
    assert_contains "$output" "container 'delivery-app' runs v1.0.1, the ledger says v1.0.2"
    assert_contains "$output" "shipctl deploy v1.0.2"
    deployed v1.0.2
    ship status --wait=5s --json
    assert_exit 0
    assert_equal "$(json '.drift | length')" 0
}

@test "a compose file that changed since is drift, one that is broken is too, and what runs is still shown" {
    sed -i 's/LOG_LEVEL=debug/LOG_LEVEL=trace/' docker-compose.yml
    ship status --json
    assert_contains "$(json '.drift[].text')" "app"
    echo 'services: [' >docker-compose.yml
    ship status
    assert_contains "$output" "do not load"
    assert_contains "$output" "v1.0.2"
    assert_contains "$output" running
}

@test "without an engine the card shows what the ledger knows, within 5 s: exit 11" {
    local begin=$SECONDS
    DOCKER_HOST=unix://$BATS_TEST_TMPDIR/none.sock ship status
    assert_exit 11
    assert_contains "$output" v1.0.2
    assert_contains "$output" none.sock
    [ $((SECONDS - begin)) -le 5 ]
    DOCKER_HOST=unix://$BATS_TEST_TMPDIR/none.sock ship status --json
    assert_exit 11
    assert_equal "$(json .exit_code)" 11
    json '.engine_error | contains("none.sock")'
}

@test "during a deployment status shows it: action, version, step, process" {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "touch started; exec sleep 30"]}]}\n' >>shipctl.yaml
    "$SHIPCTL" deploy v1.0.1 --progress none 2>/dev/null 3>&- &
    local pid=$!
    wait_for 20 test -e started
    ship status --json
    assert_exit 0
    assert_equal "$(json '.operation | [.action, .version, .step, .pid] | join(" ")')" "deploy v1.0.1 pre_deploy $pid"
    ship status
    assert_contains "$output" "deploy v1.0.1, step pre_deploy"
    kill -TERM "$pid"
    exit_of "$pid" 143
    rm started
    ship status --json
    json '.operation == null'
}

# --- history ---------------------------------------------------------------------------------

@test "history lists newest first, and its filters select" {
    ship history
    assert_exit 0
    assert_contains "$output" "rolled_back"
    assert_contains "$output" "serves now"
    assert_contains "$output" "rollback target"
    ship history --json --version v1.1.2-exit
    assert_equal "$(json '[.[].outcome] | unique | join(" ")')" rolled_back
    ship history --json --failed --version v1.0.1
    json 'all(.[]; .outcome != "succeeded")'
    ship history --json -n 2
    assert_equal "$(json length)" 2
    json '.[0].deployment > .[1].deployment'
    ship history --json --since 1h -n 1000
    json 'any(.[]; .deployment == 1)'
    ship history --json --since 2999-01-01
    assert_equal "$(json length)" 0
    ship history --json --version v1.0.0
    json 'length == 1 and .[0].outcome == "succeeded" and (.[0] | has("steps") | not)'
}

@test "history ID shows steps, checks, durations, evidence and the diff, without a secret" {
    local id
    ship history --json --version v1.1.2-exit
    id=$(json '.[0].deployment')
    ship history "$id"
    assert_exit 0
    assert_contains "$output" "switch"
    assert_contains "$output" "exit code 3"
    assert_contains "$output" "v1.0.2 is serving again"
    ship history "$id" --json
    json_is_one
    json '.steps | map(.name) | index("switch") != null'
    json '.exit_code == 20 and .error.code == 20 and (.evidence | contains("exit code"))'
    ship history 2 --json
    json '.spec_diff | map(select(contains("LOG_LEVEL"))) | length > 0'
    [[ $output != *"$PROJECT_DB_PASSWORD"* ]]
    ship history 999
    assert_exit 16
}

@test "history --verify accepts the chain and a head of it, and notices another head or a changed row" {
    local head
    head=$(jq -r .audit_head "$BATS_FILE_TMPDIR/newest")
    ship history --verify --head "$head"
    assert_exit 0
    assert_contains "$output" intact
    ship history --verify --head "$(tr 0-9a-f 1-9a-f0 <<<"$head")"
    assert_exit 14
    cp -a "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/forged"
    sqlite3 "$BATS_TEST_TMPDIR/forged/ledger.db" \
        "drop trigger audit_no_update; update audit set body_json = replace(body_json, 'v1.0.1', 'v1.0.9')"
    SHIPCTL_STATE_DIR=$BATS_TEST_TMPDIR/forged ship history --verify
    assert_exit 14
}

@test "history needs neither engine nor compose file, nor a terminal that is wide" {
    rm docker-compose.yml
    DOCKER_HOST=unix:///nowhere COLUMNS=20 ship history
    assert_exit 0
    assert_contains "$output" v1.0.2
}

# --- check, init, completion -------------------------------------------------------------------

@test "check lints and runs the pre-checks, check health asks what runs; neither changes anything" {
    local since
    since=$(engine_now)
    ship check
    assert_exit 0
    assert_contains "$output" "disk"
    ship check lint
    assert_exit 0
    ship check health
    assert_exit 0
    assert_equal "$(engine_mutations "$since")" 0
    ship history --json -n 1
    assert_equal "$(json '.[0].action')" deploy
}

@test "check says which check failed: pre 15, health and post 3" {
    plan_checks "$PWD" 'pre: [{id: room, type: disk, min_free: 900TB}]'
    printf '  health: [{id: web, type: http, url: "http://127.0.0.1:8080/nowhere", retries: 1}]\n' >>shipctl.yaml
    printf '  post: [{id: words, type: log, deny: [listen]}]\n' >>shipctl.yaml
    ship check
    assert_exit 15
    assert_contains "$output" room
    assert_contains "$output" "900"
    ship check health --json
    assert_exit 3
    assert_equal "$(json '.checks[] | select(.id == "web") | .status')" fail
    ship check post
    assert_exit 3
    assert_contains "$output" words
}

@test "init writes a plan that check accepts, and does not write over one" {
    rm shipctl.yaml
    ship init
    assert_exit 0
    assert_contains "$output" shipctl.yaml
    grep -qx 'app: delivery' shipctl.yaml
    ship check
    assert_exit 0
    cp shipctl.yaml written
    ship init
    assert_exit 2
    assert_contains "$output" "--force"
    cmp shipctl.yaml written
    ship init --force
    assert_exit 0
    rm written
}

@test "init without a compose file says where to go: exit 10" {
    mkdir "$BATS_TEST_TMPDIR/empty"
    cd "$BATS_TEST_TMPDIR/empty" || return 1
    ship init
    assert_exit 10
    assert_contains "$output" "docker-compose.yml"
    assert_equal "$(ls)" ""
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
}

@test "the completion that bash sources offers commands, options and values" {
    # shellcheck disable=SC2016 # expanded by the inner shell
    run bash -uc 'source <("$0" completion bash)
        for words in "hist" "--prog" "deploy --dr" "check he" "completion f"; do
            COMP_WORDS=(shipctl $words) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
            _shipctl
            echo "${COMPREPLY[*]}"
        done' "$SHIPCTL"
    assert_exit 0
    assert_equal "$(tr -d = <<<"$output" | paste -sd' ')" "history --progress --dry-run health fish"
}

# --- dry run -----------------------------------------------------------------------------------

@test "a dry run names ordered actions, digests, changed variables and the disk, and masks values" {
    local since
    since=$(engine_now)
    sed -i 's/^DB_PASSWORD=.*/DB_PASSWORD=second-canary-55/; s/v1.0.2/v1.0.1/' .env
    sed -i 's/LOG_LEVEL=debug/COLOUR=blue/' docker-compose.yml
    ship deploy v1.0.1 -n --json
    assert_exit 0
    [[ $output$stderr != *"$PROJECT_DB_PASSWORD"* && $output$stderr != *second-canary* ]]
    assert_equal "$(json '[.preview.environment[] | .name + " " + .change] | sort | join(", ")')" \
        "COLOUR added, DB_PASSWORD changed, LOG_LEVEL removed"
    assert_equal "$(json '.preview.images[0].new_digest')" "$(image_digest app v1.0.1)"
    assert_equal "$(json '[.preview.actions[].verb] | join(" ")' | grep -o 'create stop rename start check')" \
        "create stop rename start check"
    json '.preview.disk.free_bytes > 0'
    ship deploy v1.0.1 -n
    assert_contains "$output" "DB_PASSWORD"
    [[ $output != *canary* ]]
    assert_equal "$(engine_mutations "$since")" 0
}
