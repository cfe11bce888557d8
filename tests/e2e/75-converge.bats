#!/usr/bin/env bats
# Convergence: what Compose does around a replaced service, on a real engine.

setup_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    DIR=$BATS_TEST_TMPDIR/delivery
    export SHIPCTL_STATE_DIR=$BATS_TEST_TMPDIR/state
    mkdir -p "$DIR"
    cd "$DIR" || return 1
    printf 'version: 1\napp: delivery\nimage: %s/app\nstrategy: {min_healthy: 1s}\n' \
        "$SHIPCTL_TEST_REGISTRY" >shipctl.yaml
}

teardown() {
    engine_reset
}

# app_service [LINE...]: the app with more attributes.
app_service() {
    # shellcheck disable=SC2016 # the text of the file
    printf 'services:\n  app:\n    image: %s/app:${APP_VERSION:-v1.0.0}\n    stop_grace_period: 1s\n' \
        "$SHIPCTL_TEST_REGISTRY"
    [ $# -eq 0 ] || printf '    %s\n' "$@"
}

# shell_service NAME COMMAND [LINE...]: a small service; init ends it at once.
shell_service() {
    printf '  %s:\n    image: %s/nginx:alpine\n    init: true\n    stop_grace_period: 1s\n    entrypoint: ["/bin/sh", "-c", "%s"]\n' \
        "$1" "$SHIPCTL_TEST_REGISTRY" "$2"
    [ $# -eq 2 ] || printf '    %s\n' "${@:3}"
}

started_at() {
    container_field "$1" .State.StartedAt
}

# left_by_compose NAME COMMAND...: the container a dying `docker compose up` leaves under a
# temporary name: labels and configuration of the live one.
rename_as_compose() {
    docker rename "$1" "0123456789ab_$1"
}

@test "a replacement that Compose did not rename gets its name, and serves on" {
    { app_service; shell_service helper 'sleep 600'; } >docker-compose.yml
    deployed v1.0.0
    local app helper
    app=$(container_id delivery-app-1)
    helper=$(started_at delivery-helper-1)
    rename_as_compose delivery-app-1
    rename_as_compose delivery-helper-1
    ship status --json
    assert_equal "$(json '[.drift[] | select(.kind == "half-finished")] | length')" 2
    deployed v1.0.0
    assert_equal "$(container_id delivery-app-1)" "$app"
    assert_equal "$(started_at delivery-helper-1)" "$helper"
    nothing_left_over
    compose_is_content
}

@test "a repaired name survives a deployment that fails" {
    app_service >docker-compose.yml
    deployed v1.0.0
    local app
    app=$(container_id delivery-app-1)
    rename_as_compose delivery-app-1
    ship deploy v1.1.2-exit
    assert_exit 20
    assert_equal "$(container_id delivery-app-1)" "$app"
    nothing_left_over
}

@test "a second container under a temporary name is reported; only one that never ran is removed" {
    { app_service; shell_service helper 'sleep 600'; } >docker-compose.yml
    deployed v1.0.0
    local labels=(--label com.docker.compose.project=delivery --label com.docker.compose.oneoff=False
        --label com.docker.compose.container-number=1)
    docker create "${labels[@]}" --label com.docker.compose.service=app \
        --name 0123456789ab_delivery-app-1 "$SHIPCTL_TEST_REGISTRY/nginx:alpine" >/dev/null
    docker run -d "${labels[@]}" --label com.docker.compose.service=helper --entrypoint sleep \
        --name 0123456789ab_delivery-helper-1 "$SHIPCTL_TEST_REGISTRY/nginx:alpine" 600 >/dev/null
    ship status --json
    assert_equal "$(json '[.drift[] | select(.kind == "half-finished")] | length')" 2
    deployed v1.0.1
    run ! container_id 0123456789ab_delivery-app-1
    container_is 0123456789ab_delivery-helper-1 .State.Running true
}

@test "a service in the app's namespaces is recreated with it, and goes back with it" {
    { app_service; shell_service sidecar 'sleep 600' 'network_mode: service:app' 'restart: always'; } \
        >docker-compose.yml
    deployed v1.0.0
    deployed v1.0.1
    container_is delivery-sidecar-1 .HostConfig.NetworkMode "container:$(container_id delivery-app-1)"
    container_is delivery-sidecar-1 .State.Running true
    container_is delivery-sidecar-1 .HostConfig.RestartPolicy.Name always
    nothing_left_over
    compose_is_content
    local app sidecar
    app=$(container_id delivery-app-1)
    sidecar=$(container_id delivery-sidecar-1)
    ship deploy v1.1.2-exit
    assert_exit 20
    assert_equal "$(container_id delivery-app-1)" "$app"
    assert_equal "$(container_id delivery-sidecar-1)" "$sidecar"
    container_is delivery-sidecar-1 .State.Running true
    container_is delivery-sidecar-1 .HostConfig.RestartPolicy.Name always
    nothing_left_over
    ship rollback
    assert_exit 0
    container_is delivery-sidecar-1 .HostConfig.NetworkMode "container:$(container_id delivery-app-1)"
    container_is delivery-sidecar-1 .State.Running true
    nothing_left_over
}

@test "users of the app's ipc and pid namespaces, volumes and links find the new version" {
    {
        app_service 'ipc: shareable' 'volumes: ["/data"]'
        shell_service ipc 'sleep 600' 'ipc: service:app'
        shell_service pid 'sleep 600' 'pid: service:app'
        shell_service volumes 'sleep 600' 'volumes_from: [app]'
        shell_service chain 'sleep 600' 'network_mode: service:ipc'
        shell_service web 'sleep 600' 'links: ["app:backend"]'
    } >docker-compose.yml
    deployed v1.0.0
    docker exec delivery-app-1 /bin/sh -c 'echo precious >/data/file'
    local step web app version=v1.0.1
    for step in 'deploy v1.0.1' rollback; do
        web=$(started_at delivery-web-1)
        # shellcheck disable=SC2086 # words
        ship $step
        assert_exit 0
        app=$(container_id delivery-app-1)
        container_is delivery-ipc-1 .HostConfig.IpcMode "container:$app"
        container_is delivery-pid-1 .HostConfig.PidMode "container:$app"
        container_is delivery-volumes-1 '(index .HostConfig.VolumesFrom 0)' "$app"
        container_is delivery-chain-1 .HostConfig.NetworkMode "container:$(container_id delivery-ipc-1)"
        assert_equal "$(docker exec delivery-volumes-1 cat /data/file)" precious
        assert_contains "$(docker exec delivery-web-1 wget -qO- http://backend:8080/version)" "$version"
        [[ $(started_at delivery-web-1) != "$web" ]]
        version=v1.0.0
        nothing_left_over
    done
    compose_is_content
}

@test "an app in another's namespaces goes back to the containers of today, and Compose is content" {
    {
        app_service 'network_mode: service:base' 'ipc: service:shared' 'volumes_from: [shared]'
        shell_service base 'sleep 600'
        shell_service shared 'sleep 600' 'ipc: shareable' 'volumes: ["/data"]'
    } >docker-compose.yml
    deployed v1.0.0
    deployed v1.0.1
    compose_is_content
    project_compose . up -d --force-recreate base shared >/dev/null 2>&1
    ship rollback
    assert_exit 0
    container_is delivery-app-1 .HostConfig.NetworkMode "container:$(container_id delivery-base-1)"
    container_is delivery-app-1 .HostConfig.IpcMode "container:$(container_id delivery-shared-1)"
    container_is delivery-app-1 '(index .HostConfig.VolumesFrom 0)' "$(container_id delivery-shared-1)"
    nothing_left_over
    compose_is_content
}

# On the default bridge the engine ties a link to one container; a restart of the linked one's users
# is not enough.
@test "a service linked on the default bridge is recreated with the app, and goes back with it" {
    {
        app_service 'network_mode: bridge'
        shell_service web 'sleep 600' 'network_mode: bridge' 'links: ["app:backend"]'
    } >docker-compose.yml
    local step version=v1.0.0
    for step in 'deploy v1.0.0' 'deploy v1.0.1' 'deploy v1.1.2-exit' rollback; do
        # shellcheck disable=SC2086 # words
        ship $step
        case $step in
            'deploy v1.1.2-exit') assert_exit 20 ;;
            *) assert_exit 0 ;;
        esac
        [ "$step" != 'deploy v1.0.1' ] || version=v1.0.1
        [ "$step" != rollback ] || version=v1.0.0
        assert_equal "$(docker exec delivery-web-1 wget -qO- http://backend:8080/version)" "$version"
        assert_contains "$(container_field delivery-web-1 'json .HostConfig.Links')" \
            '"/delivery-app-1:/delivery-web-1/backend"'
        nothing_left_over
    done
    compose_is_content
}

@test "a dependent with restart: true is restarted after the app, others are not" {
    {
        app_service
        shell_service proxy 'sleep 600' 'depends_on: {app: {condition: service_started, restart: true}}'
        shell_service other 'sleep 600' 'depends_on: [app]'
    } >docker-compose.yml
    deployed v1.0.0
    local proxy other id
    id=$(container_id delivery-proxy-1)
    proxy=$(started_at delivery-proxy-1)
    other=$(started_at delivery-other-1)
    deployed v1.0.1
    assert_equal "$(container_id delivery-proxy-1)" "$id"
    [[ $(started_at delivery-proxy-1) > $(started_at delivery-app-1) ]]
    [[ $(started_at delivery-proxy-1) != "$proxy" ]]
    assert_equal "$(started_at delivery-other-1)" "$other"
    # a failure before the restart leaves it alone
    proxy=$(started_at delivery-proxy-1)
    ship deploy v1.1.2-exit
    assert_exit 20
    assert_equal "$(started_at delivery-proxy-1)" "$proxy"
    # a failure after it: the proxy meets the old version
    printf 'checks:\n  post: [{id: no, type: command, command: ["false"], retries: 1}]\n' >>shipctl.yaml
    ship deploy v1.0.0
    assert_exit 20
    container_is delivery-proxy-1 .State.Running true
    [[ $(started_at delivery-proxy-1) > $(started_at delivery-app-1) ]]
    nothing_left_over
}

@test "a dependent that does not survive its restart rolls the app back" {
    {
        app_service
        shell_service proxy 'test ! -e /ran && touch /ran && sleep 600' \
            'depends_on: {app: {condition: service_started, restart: true}}'
    } >docker-compose.yml
    deployed v1.0.0
    local app
    app=$(container_id delivery-app-1)
    ship deploy v1.0.1
    assert_exit 20
    assert_equal "$(container_id delivery-app-1)" "$app"
    container_is delivery-app-1 .State.Running true
    nothing_left_over
}

@test "replicas are replaced in one transaction, added, and removed when there are too many" {
    app_service 'deploy: {replicas: 2}' >docker-compose.yml
    deployed v1.0.0
    local first second
    first=$(container_id delivery-app-1)
    second=$(container_id delivery-app-2)
    ship deploy v1.1.2-exit
    assert_exit 20
    assert_equal "$(container_id delivery-app-1) $(container_id delivery-app-2)" "$first $second"
    sed -i 's/replicas: 2/replicas: 3/' docker-compose.yml
    deployed v1.0.1
    assert_equal "$(docker ps --format '{{.Names}} {{.Image}}' --filter name=delivery-app | sed 's/ .*:/ /' | sort | paste -sd' ')" \
        'delivery-app-1 v1.0.1 delivery-app-2 v1.0.1 delivery-app-3 v1.0.1'
    sed -i 's/replicas: 3/replicas: 1/' docker-compose.yml
    first=$(container_id delivery-app-1)
    ship status --json
    assert_equal "$(json '[.drift[] | select(.kind == "extra")] | length')" 2
    deployed v1.0.1
    assert_equal "$(docker ps -aq --no-trunc --filter name=delivery-app)" "$first"
    ship rollback
    assert_exit 0
    nothing_left_over
}

@test "a higher count of the same version only adds, and takes back only what it added" {
    app_service 'deploy: {replicas: 2}' >docker-compose.yml
    deployed v1.0.0
    local first second
    first=$(started_at delivery-app-1)
    second=$(started_at delivery-app-2)
    printf 'checks:\n  post: [{id: no, type: command, command: ["false"], retries: 1}]\n' >>shipctl.yaml
    sed -i 's/replicas: 2/replicas: 3/' docker-compose.yml
    ship deploy v1.0.0
    assert_exit 20
    run ! container_id delivery-app-3
    sed -i '/^checks:/,$d' shipctl.yaml
    ship deploy --dry-run --json v1.0.0
    assert_equal "$(json '[.preview.actions[] | select(.verb == "create").object] | join(" ")')" \
        'container delivery-app-3'
    deployed v1.0.0
    assert_equal "$(started_at delivery-app-1) $(started_at delivery-app-2)" "$first $second"
    container_is delivery-app-3 .State.Running true
    nothing_left_over
    compose_is_content
}

@test "an orphan is reported and never removed" {
    { app_service; shell_service helper 'sleep 600'; } >docker-compose.yml
    deployed v1.0.0
    app_service >docker-compose.yml
    local helper
    helper=$(started_at delivery-helper-1)
    ship status --json
    assert_contains "$(json '.drift[] | select(.kind == "orphan").text')" delivery-helper-1
    deployed v1.0.1
    ship rollback
    assert_exit 0
    assert_equal "$(started_at delivery-helper-1)" "$helper"
}

@test "data in an anonymous volume survives a deploy, a failed deploy and a rollback" {
    app_service 'volumes: ["/data"]' >docker-compose.yml
    deployed v1.0.0
    docker exec delivery-app-1 /bin/sh -c 'echo precious >/data/file'
    local volume
    volume=$(docker inspect -f '{{(index .Mounts 0).Name}}' delivery-app-1)
    deployed v1.0.1
    assert_equal "$(docker exec delivery-app-1 cat /data/file)" precious
    ship deploy v1.1.2-exit
    assert_exit 20
    assert_equal "$(docker exec delivery-app-1 cat /data/file)" precious
    ship rollback
    assert_exit 0
    container_is delivery-app-1 .Config.Image "$SHIPCTL_TEST_REGISTRY/app:v1.0.0"
    assert_equal "$(docker exec delivery-app-1 cat /data/file)" precious
    assert_equal "$(docker volume ls -q)" "$volume"
}

@test "a one-shot service runs before the app on the first deploy, and not again when it ended well" {
    {
        app_service 'depends_on: {setup: {condition: service_completed_successfully}}'
        shell_service setup 'sleep 1' 'depends_on: {base: {condition: service_started}}'
        shell_service base 'sleep 600'
    } >docker-compose.yml
    deployed v1.0.0
    local setup
    setup=$(started_at delivery-setup-1)
    [[ $(container_field delivery-setup-1 .State.FinishedAt) < $(started_at delivery-app-1) ]]
    deployed v1.0.1
    assert_equal "$(started_at delivery-setup-1)" "$setup"
}

@test "a one-shot service that fails stops the deploy before the app is touched" {
    {
        app_service 'depends_on: {setup: {condition: service_completed_successfully}}'
        shell_service setup 'exit 7'
    } >docker-compose.yml
    ship deploy v1.0.0
    assert_exit 15
    assert_contains "$output" 'exit code 7'
    assert_equal "$(docker ps -aq --filter name=delivery-app)" ""
}

@test "a dependency that is not healthy stops the deploy before the app is touched" {
    {
        app_service 'depends_on: {base: {condition: service_healthy}}'
        shell_service base 'sleep 600' \
            'healthcheck: {test: ["CMD", "false"], interval: 1s, retries: 1}'
    } >docker-compose.yml
    ship deploy v1.0.0
    assert_exit 15
    assert_contains "$output" "service 'app' waits for 'base'"
    assert_contains "$output" unhealthy
    assert_equal "$(docker ps -aq --filter name=delivery-app)" ""
    # one without a health check never becomes healthy: no waiting
    { app_service 'depends_on: {base: {condition: service_healthy}}'; shell_service base 'sleep 600'; } \
        >docker-compose.yml
    docker rm -f delivery-base-1 >/dev/null
    ship deploy v1.0.0
    assert_exit 15
    assert_contains "$output" 'has no health check'
    # an optional one only warns
    {
        app_service 'depends_on: {base: {condition: service_healthy, required: false}}'
        shell_service base 'sleep 600'
    } >docker-compose.yml
    deployed v1.0.0
    assert_contains "$output" optional
}

@test "an independent service is started before another's dependency is waited for" {
    {
        app_service 'depends_on: {second: {condition: service_started}, third: {condition: service_started}}'
        shell_service first 'sleep 2; touch /ready; sleep 600' \
            'healthcheck: {test: ["CMD", "test", "-e", "/ready"], interval: 1s, retries: 20}'
        shell_service second 'sleep 600' 'depends_on: {first: {condition: service_healthy}}'
        shell_service third 'sleep 600'
    } >docker-compose.yml
    deployed v1.0.0
    [[ $(started_at delivery-third-1) < $(started_at delivery-second-1) ]]
    container_healthy delivery-first-1
    container_is delivery-app-1 .State.Running true
}
