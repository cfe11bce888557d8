#!/usr/bin/env bats
# Retention: what `prune` removes from the engine, what it keeps and why.
# One application went through six versions, of which one is pinned and one is needed by another
# application with the same images; one more version failed.

setup_file() {
    load helpers
    engine_reset
    export SHIPCTL_STATE_DIR=$BATS_FILE_TMPDIR/state
    local version
    project_small "$BATS_FILE_TMPDIR/delivery"
    project_small "$BATS_FILE_TMPDIR/other"
    sed -i 's/delivery-app/other-app/; s/8080:8080/8081:8080/' "$BATS_FILE_TMPDIR/other/docker-compose.yml"
    sed -i 's/app: delivery/app: other/' "$BATS_FILE_TMPDIR/other/shipctl.yaml"
    printf 'prune: {after_deploy: false, pin: ["*-lts"]}\n' | tee -a \
        "$BATS_FILE_TMPDIR/delivery/shipctl.yaml" >>"$BATS_FILE_TMPDIR/other/shipctl.yaml"
    for version in v3.0.0-lts v3.0.1 v3.0.2 v3.0.3 v3.0.4 v3.0.5; do
        app_publish "$version" "APP_VERSION_NAME=$version"
        "$SHIPCTL" -C "$BATS_FILE_TMPDIR/delivery" deploy "$version" --progress none
    done
    for version in v3.0.1 v3.0.5; do
        "$SHIPCTL" -C "$BATS_FILE_TMPDIR/other" deploy "$version" --progress none
    done
    "$SHIPCTL" -C "$BATS_FILE_TMPDIR/delivery" deploy v1.1.2-exit --progress none || [ $? -eq 20 ]
    docker pull -q "$SHIPCTL_TEST_REGISTRY/worker:v1.0.0"
}

teardown_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
}

# tags: the versions of the app in the engine.
tags() {
    docker images --format '{{.Tag}}' "$SHIPCTL_TEST_REGISTRY/app" | grep -v none | sort | paste -sd' '
}

# why VERSION: the reason in the last report.
why() {
    json ".images[] | select(.version == \"$1\") | .why"
}

@test "prune -n says what would go, with bytes, and what stays and why; nothing goes" {
    local before since
    before=$(docker images -q | sort)
    since=$(engine_now)
    ship prune -n --json
    assert_exit 0
    json_is_one
    assert_equal "$(json '[.images[] | select(.removed) | .version] | sort | join(" ")')" "v1.1.2-exit v3.0.2"
    json '.dry_run and .keep == 3 and .freed_bytes > 500000'
    assert_contains "$(why v3.0.0-lts)" "*-lts"
    assert_contains "$(why v3.0.1)" other
    assert_contains "$(why v3.0.4)" rollback
    ship prune -n
    assert_contains "$output" "would remove"
    assert_contains "$output" "would remove 2 images, "
    assert_equal "$(engine_mutations "$since")" 0
    assert_equal "$(docker images -q | sort)" "$before"
}

@test "prune removes exactly that, and the engine has the room back" {
    ship prune --json
    assert_exit 0
    json '.freed_bytes > 500000 and (.dry_run | not)'
    assert_equal "$(tags)" "v3.0.0-lts v3.0.1 v3.0.3 v3.0.4 v3.0.5"
    docker image inspect "$SHIPCTL_TEST_REGISTRY/worker:v1.0.0" >/dev/null
    http_says http://127.0.0.1:8080/version v3.0.5
    http_says http://127.0.0.1:8081/version v3.0.5
    ship prune
    assert_exit 0
    assert_contains "$output" "removed 0 images"
}

@test "what prune took is no rollback target any more, what it left is" {
    ship rollback v3.0.2 -y
    assert_exit 16
    ship rollback v3.0.0-lts -y
    assert_exit 0
    http_says http://127.0.0.1:8080/version v3.0.0-lts
    ship -C ../other rollback -y
    assert_exit 0
    http_says http://127.0.0.1:8081/version v3.0.1
}

@test "an image of the app that somebody runs by hand stays" {
    docker run -d --name by-hand "$SHIPCTL_TEST_REGISTRY/app:v1.0.2" >/dev/null
    ship prune --keep 1 --json
    assert_exit 0
    assert_contains "$(tags)" v1.0.2
    assert_contains "$(tags)" v3.0.0-lts
    docker rm -f by-hand >/dev/null
}

@test "a successful deployment ends with a prune: three versions stay" {
    local version
    sed -i '/^prune/d' shipctl.yaml
    for version in v3.0.3 v3.0.4 v1.0.0 v1.0.1; do
        deployed "$version"
    done
    assert_equal "$(tags | tr ' ' '\n' | grep -cE '^(v3.0.4|v1.0.0|v1.0.1)$')" 3
    [[ " $(tags) " != *" v3.0.3 "* ]]
    assert_contains "$(tags)" v3.0.5
    ship rollback -y
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.0
}
