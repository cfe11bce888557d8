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

# calls_differ DIR COUNT: Compose creates the project of DIR, service by service because some are
# refused; prints every member that differs and is not in the table. COUNT calls are expected.
calls_differ() {
    local dir=$1 service

    docker pull -q "$SHIPCTL_TEST_REGISTRY/app:v1.0.0" >/dev/null
    docker tag "$SHIPCTL_TEST_REGISTRY/app:v1.0.0" bb:1
    for service in $(project_compose "$dir" config --services); do
        DOCKER_HOST=$RECORDED project_compose "$dir" create "$service" >>"$BATS_TEST_TMPDIR/compose.log" 2>&1 || true
    done
    cd "$BATS_TEST_TMPDIR/record" || return 1
    facts >facts.json
    "$SUPPORT/compose_body" "$dir" "$(engine_minor theirs.json)" "$VERSION" facts.json >ours.json || return 1
    assert_equal "$(wc -l <ours.json)" "$2" || return 1
    docker network ls --no-trunc --format '{"{{.ID}}": "{{.Name}}"}' | jq -s add >networks.json
    jq -nr --slurpfile networks networks.json --slurpfile theirs theirs.json --slurpfile ours ours.json -f "$E2E_DIR/compose-calls.jq" >all || return 1
    awk -F ' +[|] +' -v version="$VERSION" '!/^#/ && NF && version ~ $1 { print $2 }' \
        "$E2E_DIR/compose-differences.txt" >allowed
    grep -vE -f allowed all || true
}

@test "every call of the recorded file equals Compose's" {
    local dir=$BATS_TEST_TMPDIR/recorded
    export SEC2=topsecret
    mkdir "$dir"
    jq -r .compose_file "$E2E_DIR/../data/compose-create-observed.json" >"$dir/docker-compose.yml"
    touch "$dir/s1.txt" "$dir/c1.txt"
    record_start "$BATS_TEST_TMPDIR/record"
    run calls_differ "$dir" 21
    assert_exit 0
    assert_equal "$output" ""
}

@test "every call of a file with every attribute equals Compose's" {
    local dir=$BATS_TEST_TMPDIR/everything
    export HOST_ONLY=from-host
    mkdir "$dir"
    cp "$E2E_DIR/project/everything.yml" "$dir/docker-compose.yml"
    printf 'FIRST=1\nPLAIN=overridden\nQUOTED="a b"\n' >"$dir/first.env"
    printf "SECOND='x y' # comment\nFIRST=2\n" >"$dir/second.env"
    printf '{ "defaultAction": "SCMP_ACT_ALLOW" }\n' >"$dir/seccomp.json"
    touch "$dir/one.txt" "$dir/conf.txt" "$dir/other.txt"
    mkdir "$dir/long" "$dir/selinux" "$dir/slave"
    docker network create everything-outside >/dev/null
    docker create --name outsider "$SHIPCTL_TEST_REGISTRY/nginx:alpine" >/dev/null
    record_start "$BATS_TEST_TMPDIR/record"
    run calls_differ "$dir" 55
    assert_exit 0
    assert_equal "$output" ""
}
