#!/usr/bin/env bats
# shipctl and the real Compose on one project: the same create calls, member by member, and each
# takes the other's containers for its own.

setup_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    export SHIPCTL_STATE_DIR=$BATS_TEST_TMPDIR/state
    VERSION=$(docker compose version --short)
    SUPPORT=$(dirname "$SHIPCTL")/tests
}

teardown() {
    if [ -n "${RECORDER:-}" ]; then kill "$RECORDER"; fi
    engine_reset
}

# --- the same calls --------------------------------------------------------------------------

# record_start DIR: the engine's socket for clients that are to be written down, in RECORDED.
record_start() {
    mkdir "$1"
    RECORDED=unix://$1/engine.sock
    "$SUPPORT/record" "$1/engine.sock" "${DOCKER_HOST#unix://}" "$1/theirs.json" 3>&- &
    RECORDER=$!
    wait_for 5 test -S "$1/engine.sock"
}

# engine_minor: of the API version that Compose and the engine agree on: what it wrote down.
engine_minor() {
    sed -n 's|^{"request":"POST /v1\.\([0-9]*\)/.*|\1|p' "$1" | head -n 1
}

# facts: what only the engine knows, for compose_body.
facts() {
    docker ps -aq | xargs -r docker inspect | jq --arg image "$(docker image inspect -f '{{.Id}}' bb:1)" '{
        images: {"bb:1": $image},
        peers: [.[] | select(.Config.Labels["com.docker.compose.service"])
                | {service: .Config.Labels["com.docker.compose.service"], id: .Id, name: (.Name | ltrimstr("/"))}]
               | sort_by(.name)}'
}

# record_create DIR SERVICE...: Compose creates the project or these services of it.
record_create() {
    DOCKER_HOST=$RECORDED project_compose "$1" create "${@:2}" >>"$BATS_TEST_TMPDIR/compose.log" 2>&1
}

# of_several: of the compose model on standard input, the services that take several calls.
of_several() {
    jq -r '.services | to_entries[] | select((.value.networks // {} | length) > 1
        or (.value.deploy.replicas // .value.scale // 1) > 1).key'
}

# create_all DIR: Compose creates the project.  A service that the engine refuses stops it half-way:
# the rest one by one, and those again whose second call may be missing.
create_all() {
    local service

    record_create "$1" && return
    for service in $(project_compose "$1" config --format json | of_several); do
        docker ps -aq --filter "label=com.docker.compose.service=$service" | for_each docker rm -f
    done
    for service in $(comm -23 <(project_compose "$1" config --services | sort) \
        <(docker ps -a --format '{{.Label "com.docker.compose.service"}}' | sort -u)); do
        record_create "$1" "$service" || true
    done
}

# calls_differ DIR COUNT: Compose creates the project of DIR; prints every member that differs and
# is not in the table.  Calls for COUNT containers are expected.
calls_differ() {
    local dir=$1

    docker pull -q "$SHIPCTL_TEST_REGISTRY/app:v1.0.0" >/dev/null
    docker tag "$SHIPCTL_TEST_REGISTRY/app:v1.0.0" bb:1
    create_all "$dir"
    cd "$BATS_TEST_TMPDIR/record" || return 1
    facts >facts.json
    "$SUPPORT/compose_body" "$dir" "$(engine_minor theirs.json)" "$VERSION" facts.json >ours.json || return 1
    assert_equal "$(grep -c '/containers/create' ours.json)" "$2" || return 1
    docker network ls --no-trunc --format '{"{{.ID}}": "{{.Name}}"}' | jq -s add >networks.json
    jq -nr --slurpfile networks networks.json --slurpfile theirs theirs.json --slurpfile ours ours.json -f "$E2E_DIR/compose-calls.jq" >all || return 1
    awk -F ' +[|] +' -v version="$VERSION" '!/^#/ && NF && version ~ $1 { print $2 }' \
        "$E2E_DIR/compose-differences.txt" >allowed
    printf '1.%s %d %d\n' "$(engine_minor theirs.json)" "$(wc -l <ours.json)" "$(wc -l <all)" \
        >>"${SHIPCTL_TEST_REPORT:-/dev/null}"
    grep -vE -f allowed all || true
}

@test "every call of the recorded file equals Compose's" {
    local dir=$BATS_TEST_TMPDIR/recorded
    export SEC2=topsecret
    mkdir "$dir"
    jq -r .compose_file "$E2E_DIR/../data/compose-create-observed.json" >"$dir/docker-compose.yml"
    touch "$dir/s1.txt" "$dir/c1.txt"
    record_start "$BATS_TEST_TMPDIR/record"
    run calls_differ "$dir" 16
    assert_exit 0
    assert_equal "$output" ""
}

# everything_project FILE: a folder with what the files name everything*.yml refer to, in DIR.
everything_project() {
    DIR=$BATS_TEST_TMPDIR/everything
    export HOST_ONLY=from-host
    mkdir -p "$DIR"/{long,selinux,slave,included}
    cp "$E2E_DIR/project/$1" "$DIR/docker-compose.yml"
    cd "$DIR" || return 1
    printf 'FIRST=1\nPLAIN=overridden\nQUOTED="a b"\n' >first.env
    printf "SECOND='x y' # comment\nFIRST=2\n" >second.env
    printf 'a.b=from-file\nfrom.file=1\n' >labels.env
    printf '{ "defaultAction": "SCMP_ACT_ALLOW" }\n' >seccomp.json
    # shellcheck disable=SC2016 # the text of the files
    printf 'services: {part: {image: "bb:1", environment: ["P=$HOST_ONLY"]}}\n' >part.yml
    # shellcheck disable=SC2016
    printf 'services: {inner: {image: "bb:1", env_file: more.env, environment: ["O=${OWN}"], volumes: [".:/in"]}}\n' \
        >included/compose.yml
    printf 'OWN=set\n' >included/own.env
    printf 'MORE=1\n' >included/more.env
    printf 'services: {base: {image: "bb:1", working_dir: /base, env_file: first.env}}\n' >base.yml
    touch one.txt conf.txt other.txt Dockerfile
}

@test "every call of a file with every attribute equals Compose's" {
    everything_project everything.yml
    docker network create everything-outside >/dev/null
    docker volume create everything-volume >/dev/null
    docker create --name outsider "$SHIPCTL_TEST_REGISTRY/nginx:alpine" >/dev/null
    record_start "$BATS_TEST_TMPDIR/record"
    run calls_differ "$DIR" 49
    assert_exit 0
    assert_equal "$output" ""
}

# compose_from MAJOR.MINOR: Compose is that new.
compose_from() {
    printf '%s\n%s\n' "$1" "$VERSION" | sort -V -C
}

@test "every call of what only newer releases of Compose know equals theirs" {
    everything_project everything-2.40.yml
    if ! compose_from 2.40; then
        run ! project_compose "$DIR" config --quiet
        return
    fi
    record_start "$BATS_TEST_TMPDIR/record"
    run calls_differ "$DIR" 4
    assert_exit 0
    assert_equal "$output" ""
}

# An engine that is too old: shipctl says so of the service, before anything is made.
@test "every call of what needs a new engine equals Compose's, and is refused where it is too old" {
    local minor service
    everything_project everything-api.yml
    minor=$(docker version --format '{{.Server.APIVersion}}')
    if compose_from 2.40 && [ "${minor#1.}" -ge 49 ]; then
        record_start "$BATS_TEST_TMPDIR/record"
        run calls_differ "$DIR" 9
        assert_exit 0
        assert_equal "$output" ""
    fi
    echo '{"images": {}, "peers": []}' >facts.json
    run "$SUPPORT/compose_body" "$DIR" 41 "$VERSION" facts.json
    assert_exit 1
    assert_contains "$output" 'needs engine API 1.'
}

# --- one project, two tools ------------------------------------------------------------------

# interop_project KIND: a project in the working directory; $APP is the container of service app.
interop_project() {
    local registry=$SHIPCTL_TEST_REGISTRY
    local image="$registry/app:\${APP_VERSION:-v1.0.0}"

    mkdir -p "$BATS_TEST_TMPDIR/delivery"
    cd "$BATS_TEST_TMPDIR/delivery" || return 1
    if [ "$1" = manual ]; then
        project_new .
        APP=delivery-app
    else
        printf 'APP_VERSION=v1.0.0\n' >.env
        printf 'version: 1\napp: delivery\nimage: %s/app\n' "$registry" >shipctl.yaml
        APP=delivery-app-1
        "project_$1" "$image" >docker-compose.yml
    fi
    plan_quick .
}

project_plain() {
    printf 'services: {app: {image: "%s", ports: ["8080:8080"], volumes: ["data:/data", /scratch]}}\nvolumes: {data: }\n' "$1"
}

project_env_file() {
    # shellcheck disable=SC2016 # the text of the file
    printf 'GREETING="hello $USER_NAME"\nUSER_NAME=x\n' >app.env
    printf 'services: {app: {image: "%s", env_file: [app.env, {path: none.env, required: false}], environment: {B: "1"}}}\n' "$1"
}

project_profiles() {
    cat <<EOF
services:
  app: {image: "$1", profiles: [web], depends_on: [side]}
  side: {image: "$1", command: [/app/app, worker]}
  never: {image: "$1", profiles: [off]}
EOF
    printf 'COMPOSE_PROFILES=web\n' >>.env
}

project_replicas() {
    printf 'services: {app: {image: "%s", deploy: {replicas: 2}, expose: ["8080"]}}\n' "$1"
}

project_networks() {
    cat <<EOF
services:
  app:
    image: "$1"
    networks: {front: {aliases: [web], ipv4_address: 10.68.0.9}, back: {priority: 5}}
  side: {image: "$1", command: [/app/app, worker], networks: [back], depends_on: {app: {condition: service_started}}}
networks: {front: {ipam: {config: [{subnet: 10.68.0.0/24}]}}, back: {internal: true}}
EOF
}

project_secrets() {
    printf 'secret\n' >secret.txt
    cat <<EOF
services:
  app: {image: "$1", secrets: [file, {source: variable, target: v}], configs: [{source: inline, target: /etc/inline}]}
secrets: {file: {file: ./secret.txt}, variable: {environment: APP_VERSION}}
configs: {inline: {content: "a=1"}}
EOF
}

# Binds of every form, with options that older releases hash differently.
project_binds() {
    mkdir -p a b c
    cat <<EOF
services:
  app:
    image: "$1"
    volumes:
      - ./a:/a:ro
      - {type: bind, source: ./b, target: /b, bind: {propagation: rprivate}}
      - {type: bind, source: ./c, target: /c, bind: {create_host_path: true}}
EOF
}

# Two files with each kind of merge, and a project name that is not the directory's.
project_override() {
    APP=shop-app-1
    cat >docker-compose.override.yml <<EOF
name: shop
services:
  app:
    environment: {LEVEL: debug, EXTRA: ~}
    ports: !override ["8081:8080"]
    command: !reset ~
    volumes: ["./data:/data:ro"]
    networks: {default: {aliases: [web]}}
EOF
    mkdir -p data
    cat <<EOF
name: basis
services:
  app:
    image: "$1"
    command: [never]
    environment: [LEVEL=info, EXTRA=1]
    ports: ["8080:8080"]
    volumes: ["scratch:/data", "scratch:/scratch"]
volumes: {scratch: }
EOF
}

# ours_then_theirs KIND: after a first deploy, a second and a rollback Compose changes nothing.
ours_then_theirs() {
    interop_project "$1"
    deployed v1.0.0
    compose_is_content
    deployed v1.0.1
    compose_is_content
    ship rollback -y
    assert_exit 0
    compose_is_content
    container_is "$APP" .Config.Image "$SHIPCTL_TEST_REGISTRY/app:v1.0.0"
    nothing_left_over
}

# theirs_then_ours KIND: a project of Compose's making, deployed in its version: nothing changes.
theirs_then_ours() {
    local since
    interop_project "$1"
    project_compose . up -d >/dev/null 2>&1
    wait_for 10 container_is "$APP" .State.Running true
    since=$(engine_now)
    ship deploy v1.0.0 --json
    assert_exit 0
    assert_equal "$(engine_events "$since")" ""
}

@test "the project of the manual: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs manual
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours manual
}

@test "a project without binds: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs plain
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours plain
}

@test "a project with env_file: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs env_file
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours env_file
}

@test "a project with profiles: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs profiles
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours profiles
}

@test "a service with two replicas: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs replicas
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours replicas
}

@test "networks with aliases and a fixed address: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs networks
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours networks
}

@test "secrets and configs: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs secrets
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours secrets
}

@test "binds with options: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs binds
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours binds
}

@test "an override file and a name: Compose changes nothing after shipctl, nor shipctl after Compose" {
    ours_then_theirs override
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours override
}

# --- the newer release -----------------------------------------------------------------------

# use_newer_compose: Compose 2.40.3 beside the release this run is about.
use_newer_compose() {
    local plugins=$BATS_TEST_TMPDIR/docker-config/cli-plugins

    [ -n "${SHIPCTL_TEST_COMPOSE_NEWER:-}" ] || skip "Debian's mirror has no Compose 2.40.3"
    cp -r "$DOCKER_CONFIG" "$BATS_TEST_TMPDIR/docker-config"
    ln -sf "$SHIPCTL_TEST_COMPOSE_NEWER" "$plugins/docker-compose"
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker-config
    VERSION=$(docker compose version --short)
    assert_contains "$VERSION" 2.40.3
}

# A sample; SHIPCTL_TEST_COMPOSE=2.40.3 runs the whole file with it.
@test "with Compose 2.40.3 too every call equals Compose's" {
    use_newer_compose
    everything_project everything-2.40.yml
    record_start "$BATS_TEST_TMPDIR/record"
    run calls_differ "$DIR" 4
    assert_exit 0
    assert_equal "$output" ""
}

@test "with Compose 2.40.3 too a project with binds and dependencies is nobody's to change" {
    use_newer_compose
    ours_then_theirs manual
    engine_reset
    rm -rf "$SHIPCTL_STATE_DIR" "$BATS_TEST_TMPDIR/delivery"
    theirs_then_ours manual
}

# A project made by one release and continued with another: the label says whose rules hold.
@test "after an upgrade of Compose a deployment keeps what it made, and so does the new release" {
    interop_project plain
    project_compose . up -d >/dev/null 2>&1
    use_newer_compose
    deployed v1.0.1
    compose_is_content
}

# --- commands --------------------------------------------------------------------------------

@test "the commands of Compose treat our containers as their own" {
    interop_project manual
    deployed v1.0.0
    run -0 project_compose . ps --format '{{.Service}} {{.State}}'
    assert_equal "$(sort <<<"$output" | paste -sd,)" "app running,nginx running,postgres running"
    run -0 docker compose ls --format json
    assert_equal "$(json '.[] | .Name + " " + .Status + " " + .ConfigFiles')" "delivery running(3) $PWD/docker-compose.yml"
    run -0 project_compose . logs --no-log-prefix app
    assert_contains "$output" 'listening on'
    run -0 project_compose . exec -T postgres echo inside
    assert_equal "$output" inside
    run -0 project_compose . top app
    assert_contains "$output" /app/app
    run -0 project_compose . port app 8080
    assert_equal "$output" 0.0.0.0:8080
    compose_is_content
    project_compose . stop app 2>/dev/null
    container_is delivery-app .State.Status exited
    project_compose . start app 2>/dev/null
    container_is delivery-app .State.Running true
    project_compose . restart app 2>/dev/null
    container_is delivery-app .State.Running true
    project_compose . down 2>/dev/null
    assert_equal "$(docker ps -aq | wc -l)" 0
    assert_equal "$(docker network ls -q --filter label=com.docker.compose.project=delivery | wc -l)" 0
    assert_equal "$(docker volume ls -q)" delivery_postgres_data
}
