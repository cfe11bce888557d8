#!/usr/bin/env bats
# The main job: deploy a version of the project of the manual, on a real engine with a real registry.

setup_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    DIR=$BATS_TEST_TMPDIR/delivery
    export SHIPCTL_STATE_DIR=$BATS_TEST_TMPDIR/state
    project_new "$DIR"
    plan_quick "$DIR"
    cd "$DIR" || return 1
}

teardown() {
    engine_reset
}

@test "the first deploy creates network, volume, database, app and proxy, and all of it works" {
    ship deploy v1.0.0 --json
    assert_exit 0
    assert_equal "$(json .outcome)" succeeded
    assert_equal "$(json .to.version)" v1.0.0
    assert_equal "$(json .to.digest)" "$(image_digest app v1.0.0)"
    container_is delivery-db .State.Health.Status healthy
    wait_for 5 http_says http://127.0.0.1:8080/version v1.0.0
    wait_for 5 http_says http://127.0.0.1:80/version v1.0.0
    container_is delivery-app .HostConfig.RestartPolicy.Name always
}

@test "after the first deploy Compose sees its own project and recreates nothing" {
    ship deploy v1.0.0
    assert_exit 0
    compose_is_content
    run -0 project_compose . ps --services
    assert_equal "$(sort <<<"$output" | paste -sd' ')" "app nginx postgres"
}

@test "deploy replaces the app only, and pins the version in .env" {
    deployed v1.0.0
    local db proxy since
    db=$(container_field delivery-db .State.StartedAt)
    proxy=$(container_field delivery-nginx .State.StartedAt)
    since=$(engine_now)
    ship deploy v1.0.1 --json
    assert_exit 0
    assert_equal "$(json .from.version)" v1.0.0
    assert_equal "$(json .to.version)" v1.0.1
    [ "$(json .downtime_ms)" -gt 0 ]
    http_says http://127.0.0.1:8080/version v1.0.1
    assert_equal "$(container_field delivery-db .State.StartedAt)" "$db"
    assert_equal "$(container_field delivery-nginx .State.StartedAt)" "$proxy"
    assert_equal "$(docker events --since "$since" --until "$(engine_now)" --filter event=stop --format '{{.Actor.Attributes.name}}')" delivery-app
    grep -qx 'APP_VERSION=v1.0.1' .env
    grep -qx "DB_PASSWORD=$PROJECT_DB_PASSWORD" .env
    nothing_left_over
    compose_is_content
}

@test "deploying what already runs changes nothing and exits 0" {
    deployed v1.0.0
    local since
    since=$(engine_now)
    ship deploy v1.0.0 --json
    assert_exit 0
    assert_equal "$(json .outcome)" noop
    assert_equal "$(engine_mutations "$since")" 0
}

@test "a version that never gets healthy is rolled back, with the reason and its last log lines" {
    deployed v1.0.0
    plan_checks "$PWD" 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 3, interval: 200ms}]'
    local old
    old=$(container_id delivery-app)
    ship deploy v1.1.0-bad --json
    assert_exit 20
    assert_equal "$(json .outcome)" rolled_back
    assert_contains "$(json .error.message)" "503"
    assert_contains "$(json .error.message)" "3/3"
    assert_contains "$(json .evidence)" "exit code"
    http_says http://127.0.0.1:8080/version v1.0.0
    assert_equal "$(container_id delivery-app)" "$old"
    container_is delivery-app .HostConfig.RestartPolicy.Name always
    grep -qx 'APP_VERSION=v1.0.0' .env
    nothing_left_over
    compose_is_content
    ship history --json
    assert_equal "$(json '.[0].outcome')" rolled_back
}

@test "a version that is unhealthy by its own health check is rolled back" {
    deployed v1.0.0
    ship deploy v1.1.0-bad
    assert_exit 20
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
}

@test "a version that exits at once is rolled back at once, with its exit code" {
    deployed v1.0.0
    ship deploy v1.1.2-exit --json
    assert_exit 20
    assert_contains "$(json '.error.message + .evidence')" "3"
    [ "$(json .duration_ms)" -lt 15000 ]
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
}

@test "a version that crashes after a while is caught while it proves itself" {
    sed -i '/min_healthy/d' shipctl.yaml
    deployed v1.0.0
    ship deploy v1.1.1-crash
    assert_exit 20
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
}

@test "ERROR lines in the log of the new container fail a post-check and roll back" {
    deployed v1.0.0
    plan_checks "$PWD" 'post: [{id: logs, type: log, deny: [ERROR], watch: 2s}]'
    ship deploy v1.1.3-errors --json
    assert_exit 20
    assert_contains "$(json .error.message)" "ERROR"
    http_says http://127.0.0.1:8080/version v1.0.0
}

@test "a tag that does not exist changes nothing: exit 16" {
    deployed v1.0.0
    local since
    since=$(engine_now)
    ship deploy v9.9.9
    assert_exit 16
    assert_contains "$output" v9.9.9
    assert_equal "$(engine_mutations "$since")" 0
}

@test "an image for another architecture is refused before anything changes: exit 16" {
    deployed v1.0.0
    ship deploy v1.2.0-arch
    assert_exit 16
    assert_contains "$output" arm64
    http_says http://127.0.0.1:8080/version v1.0.0
}

@test "a published port that another process holds is refused before anything changes: exit 15" {
    python3 -m http.server 8080 --bind 127.0.0.1 >/dev/null 2>&1 3>&- &
    local pid=$!
    wait_for 5 http_is http://127.0.0.1:8080/ 200
    ship deploy v1.0.0
    kill "$pid"
    assert_exit 15
    assert_contains "$output" 8080
    assert_equal "$(docker ps -aq | wc -l)" 0
}

@test "a first deploy that fails leaves no app behind and says that nothing served before: exit 31" {
    ship deploy v1.1.2-exit
    assert_exit 31
    run docker inspect delivery-app
    assert_exit 1
}

@test "a literal tag in the compose file is rewritten in place, and no other byte" {
    # shellcheck disable=SC2016 # the text of the file
    sed -i 's|app:${APP_VERSION:-v1.0.0}|app:v1.0.0|' docker-compose.yml
    cp docker-compose.yml before.yml
    deployed v1.0.0
    cmp docker-compose.yml before.yml
    ship deploy v1.0.1
    assert_exit 0
    sed 's|app:v1.0.0|app:v1.0.1|' before.yml | cmp - docker-compose.yml
    compose_is_content
}

@test "a registry with TLS and a password: the engine pulls with the user's credentials" {
    sed -i "s|$SHIPCTL_TEST_REGISTRY/app|$SHIPCTL_TEST_REGISTRY_TLS/app|" docker-compose.yml shipctl.yaml
    DOCKER_CONFIG=$BATS_TEST_TMPDIR/nobody run -16 "$SHIPCTL" deploy v1.0.1
    assert_contains "$output" "login"
    docker login -u "$SHIPCTL_TEST_REGISTRY_USER" -p "$SHIPCTL_TEST_REGISTRY_PASSWORD" "$SHIPCTL_TEST_REGISTRY_TLS" >/dev/null 2>&1
    ship deploy v1.0.1
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.1
    [[ $output != *"$SHIPCTL_TEST_REGISTRY_PASSWORD"* ]]
}

@test "a dry run says what would be done and does nothing" {
    deployed v1.0.0
    local since
    since=$(engine_now)
    ship deploy v1.0.1 --dry-run
    assert_exit 0
    assert_contains "$output" v1.0.1
    assert_contains "$output" delivery-app
    [[ $output != *"$PROJECT_DB_PASSWORD"* ]]
    assert_equal "$(engine_mutations "$since")" 0
    ship deploy v1.0.1 -n --exit-code
    assert_exit 100
    ship deploy v1.0.0 -n --exit-code
    assert_exit 0
}

@test "rollback restores the whole container of the earlier version, with the registry gone" {
    deployed v1.0.0
    sed -i 's/LOG_LEVEL=info/LOG_LEVEL=debug/' docker-compose.yml
    deployed v1.0.1
    assert_equal "$(app_env LOG_LEVEL)" debug
    sed -i 's|engine: x||; $ a pull: missing' shipctl.yaml
    ship rollback --reason "too slow" --json -y
    assert_exit 0
    assert_equal "$(json .to.version)" v1.0.0
    assert_equal "$(json .reason)" "too slow"
    http_says http://127.0.0.1:8080/version v1.0.0
    assert_equal "$(app_env LOG_LEVEL)" info
    grep -qx 'APP_VERSION=v1.0.0' .env
    nothing_left_over
}

@test "rollback to a version that never succeeded is refused: exit 16" {
    deployed v1.0.0
    ship rollback v0.0.1 -y
    assert_exit 16
    assert_contains "$output" v1.0.0
    ship rollback -y
    assert_exit 16
}

@test "two rollbacks in a row go further back, never forward to the version that was left" {
    deployed v1.0.0
    deployed v1.0.1
    deployed v1.0.2
    ship rollback -y
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.1
    ship rollback -y
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.0
}

@test "two services with the app's version are one transaction: when the second fails, the first goes back" {
    cat >docker-compose.yml <<EOF
services:
  api: {image: "$SHIPCTL_TEST_REGISTRY/app:\${APP_VERSION}", ports: ["8080:8080"]}
  worker: {image: "$SHIPCTL_TEST_REGISTRY/worker:\${APP_VERSION}", command: ["/app/app", "worker"]}
EOF
    printf 'services: {api: {}, worker: {image: %s/worker}}\n' "$SHIPCTL_TEST_REGISTRY" >>shipctl.yaml
    deployed v1.0.0
    local worker api
    api=$(container_id delivery-api-1)
    worker=$(container_id delivery-worker-1)
    app_publish v3.0.0 APP_VERSION_NAME=v3.0.0
    app_put "$SHIPCTL_SANDBOX/registry" worker v3.0.0 APP_CRASH_AFTER_MS=0 APP_EXIT_CODE=4 >/dev/null
    ship deploy v3.0.0
    assert_exit 20
    assert_equal "$(container_id delivery-api-1)" "$api"
    assert_equal "$(container_id delivery-worker-1)" "$worker"
    http_says http://127.0.0.1:8080/version v1.0.0
    wait_for 5 container_is delivery-worker-1 .State.Status running
    nothing_left_over
    ship deploy v1.0.1
    assert_exit 0
    container_is delivery-worker-1 .Config.Image "$SHIPCTL_TEST_REGISTRY/worker:v1.0.1"
}

@test "a project that Compose started is taken over without touching it, and can be rolled back to" {
    project_compose . up -d --wait
    local since
    since=$(engine_now)
    ship deploy v1.0.0
    assert_exit 0
    assert_equal "$(engine_mutations "$since")" 0
    deployed v1.0.1
    ship rollback -y
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.0
    compose_is_content
}

@test "hooks run in order around the switch; a failing migration stops before it: exit 17" {
    cat >>shipctl.yaml <<'EOF'
hooks:
  backup: [{exec: {service: postgres, command: [pg_dump, -U, postgres, -f, "/tmp/${old.version}.sql", delivery]}}]
  migrate: [{run_image: new, command: [/app/app, migrate], reversible: true}]
  post_deploy: [{command: [touch, "deployed-${version}"]}]
  on_failure: [{command: [touch, "failed-${version}"]}]
EOF
    sed -i '/  backup/d' shipctl.yaml
    deployed v1.0.0
    [ -e deployed-v1.0.0 ]
    local since
    since=$(container_field delivery-app .State.StartedAt)
    ship deploy v1.1.8-migrate
    assert_exit 17
    [ -e failed-v1.1.8-migrate ]
    assert_equal "$(container_field delivery-app .State.StartedAt)" "$since"
    nothing_left_over
}

@test "Ctrl-C during the health check rolls back" {
    deployed v1.0.0
    plan_checks "$PWD" 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 100, interval: 1s}]'
    # A background job of a script ignores SIGINT; a command at a terminal does not.
    env --default-signal=INT "$SHIPCTL" deploy v1.1.0-bad --progress plain --json 2>progress >answer 3>&- &
    local pid=$!
    wait_for 20 grep -q 'health' progress
    kill -INT "$pid"
    exit_of "$pid" 20
    assert_contains "$(json .error.message "$(<answer)")" "signal 2"
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
}

@test "SIGTERM before the switch changes nothing: exit 143" {
    deployed v1.0.0
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "touch started; exec sleep 30"]}]}\n' >>shipctl.yaml
    local old
    old=$(container_id delivery-app)
    "$SHIPCTL" deploy v1.0.1 --progress plain 2>progress 3>&- &
    local pid=$!
    wait_for 20 test -e started
    kill -TERM "$pid"
    exit_of "$pid" 143
    assert_equal "$(container_id delivery-app)" "$old"
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
}

@test "kill -9 in the middle: the guardian brings the old version back without a human" {
    deployed v1.0.0
    plan_checks "$PWD" 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 5, interval: 1s}]'
    "$SHIPCTL" deploy v1.1.0-bad --progress plain 2>progress 3>&- &
    local pid=$!
    wait_for 20 grep -q 'health' progress
    kill -KILL "$pid"
    wait_for 30 http_says http://127.0.0.1:8080/version v1.0.0
    wait_for 10 lock_is_free
    ship history --json
    assert_equal "$(json '.[0].outcome')" rolled_back
    nothing_left_over
}

@test "without the guardian the next command recovers" {
    deployed v1.0.0
    plan_checks "$PWD" 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 5, interval: 1s}]'
    "$SHIPCTL" deploy v1.1.0-bad --progress plain --no-guardian 2>progress 3>&- &
    local pid=$!
    wait_for 20 grep -q 'health' progress
    kill -KILL "$pid"
    wait "$pid" || true
    ship status
    assert_exit 3
    assert_contains "$output" "recover"
    ship recover
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
    ship history --json
    assert_equal "$(json '.[0].error' | grep -o 'died in step' | wc -l)" 1
}

@test "a second operation is refused at once and told who holds the lock: exit 13" {
    deployed v1.0.0
    plan_checks "$PWD" 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 100, interval: 1s}]'
    "$SHIPCTL" deploy v1.1.0-bad --progress plain 2>progress 3>&- &
    local pid=$!
    wait_for 20 grep -q 'health' progress
    ship deploy v1.0.1
    assert_exit 13
    assert_contains "$output" v1.1.0-bad
    assert_contains "$output" "$pid"
    kill -TERM "$pid"
    exit_of "$pid" 20
}
