#!/usr/bin/env bats
# The parts the other tests stand on are real and do what their names say.

load helpers

teardown_file() {
    engine_reset
}

image() {
    printf '%s/%s' "$SHIPCTL_TEST_REGISTRY" "$1"
}

# start TAG [DOCKER OPTION...]: one container of the app, named trial, port 18080.
start() {
    docker rm -fv trial >/dev/null 2>&1 || true
    docker run -d --name trial -p 127.0.0.1:18080:8080 "${@:2}" "$(image "app:$1")" >/dev/null
}

@test "the engine is the version asked for" {
    run docker version --format '{{.Server.Version}}'
    assert_exit 0
    [[ $output == "${SHIPCTL_TEST_ENGINE:-20.10}"* ]]
}

@test "the plain registry lists the versions and allows deletion" {
    app_publish v9.9.9
    run curl -sf "http://$SHIPCTL_TEST_REGISTRY/v2/app/tags/list"
    assert_contains "$(json '.tags | join(" ")')" v9.9.9
    run curl -s -o /dev/null -w '%{http_code}' -X DELETE \
        "http://$SHIPCTL_TEST_REGISTRY/v2/app/manifests/$(image_digest app v9.9.9)"
    assert_equal "$output" 202
}

@test "the second registry wants TLS by its own authority" {
    run curl -sS "https://$SHIPCTL_TEST_REGISTRY_TLS/v2/"
    assert_exit 60
}

@test "the second registry wants credentials" {
    local url=https://$SHIPCTL_TEST_REGISTRY_TLS/v2/
    http_is "$url" 401 --cacert "$SHIPCTL_TEST_CA"
    http_is "$url" 401 --cacert "$SHIPCTL_TEST_CA" -u "$SHIPCTL_TEST_REGISTRY_USER:wrong"
    http_is "$url" 200 --cacert "$SHIPCTL_TEST_CA" \
        -u "$SHIPCTL_TEST_REGISTRY_USER:$SHIPCTL_TEST_REGISTRY_PASSWORD"
}

@test "the engine pulls from the second registry only with credentials" {
    local name=$SHIPCTL_TEST_REGISTRY_TLS/app:v1.0.1
    cp -a "$DOCKER_CONFIG" "$BATS_TEST_TMPDIR/docker"
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker

    run docker pull "$name"
    assert_exit 1
    assert_contains "$output" 'no basic auth credentials'
    docker login -u "$SHIPCTL_TEST_REGISTRY_USER" --password-stdin "$SHIPCTL_TEST_REGISTRY_TLS" \
        <<<"$SHIPCTL_TEST_REGISTRY_PASSWORD" 2>/dev/null
    docker pull -q "$name"
}

@test "the engine verifies the authority of the second registry" {
    local file=/etc/docker/certs.d/$SHIPCTL_TEST_REGISTRY_TLS/ca.crt

    mv "$file" "$BATS_TEST_TMPDIR/ca.crt"
    run docker pull "$SHIPCTL_TEST_REGISTRY_TLS/app:v1.0.1"
    mv "$BATS_TEST_TMPDIR/ca.crt" "$file"
    assert_exit 1
    assert_contains "$output" x509
}

@test "the engine can be stopped, killed and started again" {
    docker run -d --name trial --restart always "$(image app:v1.0.1)" >/dev/null
    engine_stop "$ENGINE_DIR"
    run docker version
    assert_exit 1
    engine_start "$ENGINE_DIR"
    wait_for 10 container_is trial .State.Running true
    engine_stop "$ENGINE_DIR" KILL
    run docker version
    assert_exit 1
    engine_start "$ENGINE_DIR"
    wait_for 10 container_is trial .State.Running true
}

@test "the project of the manual runs under the real compose" {
    local dir=$BATS_FILE_TMPDIR/project since
    project_new "$dir"
    project_compose "$dir" up -d

    wait_for 30 container_healthy delivery-app
    wait_for 5 http_says http://127.0.0.1/version v1.0.0
    http_says http://127.0.0.1:8080/ 'app v1.0.0'
    run curl -sf http://127.0.0.1:8080/env
    assert_contains "$output" "DB_PASSWORD=$PROJECT_DB_PASSWORD"

    run docker exec -e "PGPASSWORD=$PROJECT_DB_PASSWORD" delivery-db \
        psql -h postgres -U postgres -d delivery -Atc 'select current_database()'
    assert_exit 0
    assert_equal "$output" delivery
    run docker exec -e PGPASSWORD=wrong delivery-db psql -h postgres -U postgres -d delivery -c ''
    assert_exit 2
    docker exec delivery-db pg_dump -U postgres delivery >"$dir/dump.sql"
    grep -q 'database dump complete' "$dir/dump.sql"

    since=$(engine_now)
    project_compose "$dir" up -d
    run engine_events "$since"
    assert_equal "$output" ''
}

@test "a file in the mounted configuration makes a healthy app unhealthy" {
    local dir=$BATS_FILE_TMPDIR/project
    container_healthy delivery-app
    touch "$dir/config/unhealthy"
    wait_for 15 container_is delivery-app .State.Health.Status unhealthy
    project_compose "$dir" down -v
}

@test "good versions differ and answer" {
    local version
    for version in v1.0.0 v1.0.1 v1.0.2; do
        start "$version"
        wait_for 5 http_says http://127.0.0.1:18080/version "$version"
        http_is http://127.0.0.1:18080/health 200
    done
    [ "$(image_digest app v1.0.0)" != "$(image_digest app v1.0.1)" ]
    [ "$(image_digest app v1.0.0)" != "$(image_digest worker v1.0.0)" ]
}

@test "the worker says that it is one" {
    run docker run --rm -e APP_CRASH_AFTER_MS=0 "$(image worker:v1.0.1)"
    assert_exit 1
    assert_contains "$output" 'worker v1.0.1 starting'
}

@test "v1.1.0-bad runs but is never healthy" {
    start v1.1.0-bad
    wait_for 5 http_says http://127.0.0.1:18080/version v1.1.0-bad
    http_is http://127.0.0.1:18080/health 503
    run docker exec trial /app/app probe http://localhost:8080/health
    assert_exit 1
}

@test "v1.1.1-crash serves first and dies later" {
    start v1.1.1-crash
    wait_for 5 http_is http://127.0.0.1:18080/health 200
    wait_for 5 container_is trial .State.Status exited
    container_is trial .State.ExitCode 1
}

@test "v1.1.1-crash loops under a restart policy" {
    start v1.1.1-crash --restart always -e APP_CRASH_AFTER_MS=0
    restarted() { [ "$(container_field trial .RestartCount)" -ge 2 ]; }
    wait_for 10 restarted
}

@test "v1.1.2-exit ends at once with 3" {
    start v1.1.2-exit
    wait_for 5 container_is trial .State.Status exited
    container_is trial .State.ExitCode 3
}

@test "v1.1.3-errors is healthy and writes ERROR lines" {
    start v1.1.3-errors
    wait_for 5 http_is http://127.0.0.1:18080/health 200
    wait_for 5 log_has trial 'ERROR request 42 failed'
}

@test "v1.1.4-slow is unhealthy first and healthy later" {
    start v1.1.4-slow
    wait_for 5 http_is http://127.0.0.1:18080/health 503
    wait_for 10 http_is http://127.0.0.1:18080/health 200
}

@test "v1.1.5-oom is killed by the kernel at its limit" {
    start v1.1.5-oom --memory 64m
    wait_for 10 container_is trial .State.Status exited
    container_is trial .State.ExitCode 137
    container_is trial .State.OOMKilled true
}

@test "v1.1.6-deaf does not stop when asked to" {
    start v1.1.6-deaf
    wait_for 5 http_is http://127.0.0.1:18080/health 200
    docker stop -t 1 trial
    container_is trial .State.ExitCode 137
}

@test "v1.1.7-flap changes its mind with every request" {
    start v1.1.7-flap
    wait_for 5 http_is http://127.0.0.1:18080/health 200
    http_is http://127.0.0.1:18080/health 503
    http_is http://127.0.0.1:18080/health 200
}

@test "a good version stops at once when asked to" {
    start v1.0.1
    wait_for 5 http_is http://127.0.0.1:18080/health 200
    docker stop -t 30 trial
    container_is trial .State.ExitCode 0
}

@test "migrations succeed, and fail in v1.1.8-migrate" {
    run docker run --rm "$(image app:v1.0.1)" /app/app migrate
    assert_exit 0
    run docker run --rm "$(image app:v1.1.8-migrate)" /app/app migrate
    assert_exit 1
    assert_contains "$output" 'ERROR migrate'
}

@test "an app that requires its database exits without it" {
    run docker run --rm -e APP_REQUIRE_DB=1 -e DB_HOST=127.0.0.1 "$(image app:v1.0.1)"
    assert_exit 1
    assert_contains "$output" 'database 127.0.0.1:5432 does not answer'
}

@test "an image for another architecture does not run, a list without ours does not pull" {
    run docker run --rm "$(image app:v1.2.0-arch)"
    [ "$status" -ne 0 ]
    assert_contains "$output" 'exec format error'
    run docker pull "$(image app:v1.2.1-archlist)"
    assert_exit 1
    assert_contains "$output" 'no matching manifest'
}
