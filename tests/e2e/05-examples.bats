#!/usr/bin/env bats
# What the manual and the examples tell people to type is what the program understands.

load helpers

PAGES=$E2E_DIR/../../man
EXAMPLES=$E2E_DIR/../../examples

teardown_file() {
    engine_reset
}

setup() {
    export SHIPCTL_STATE_DIR=$BATS_TEST_TMPDIR/state
    mkdir "$BATS_TEST_TMPDIR/empty"
    cd "$BATS_TEST_TMPDIR/empty" || return 1
}

# understood COMMAND: in a folder without a plan a command line that is right ends with anything
# but a usage error; what asks for a plan says so.
understood() {
    local line=${1//\/srv\/shop/.}

    run bash -c "PATH=$(dirname "$SHIPCTL"):\$PATH; $line"
    case $status in
    0 | 4 | 10 | 16) return ;;
    esac
    printf '%s\nended with %s: %s\n' "$line" "$status" "$output" >&2
    return 1
}

@test "every command line of the manual is understood" {
    local line n=0

    while IFS= read -r line; do
        understood "$line"
        n=$((n + 1))
    done < <(sed -n 's/^\.Dl \$ \(shipctl .*\)/\1/p' "$PAGES"/*)
    [ "$n" -ge 30 ]
}

@test "every command line of the README is understood" {
    local line n=0

    while IFS= read -r line; do
        understood "$line"
        n=$((n + 1))
    done < <(sed -n 's/^\$ \(shipctl [^#]*\).*/\1/p' "$E2E_DIR/../../README.md")
    [ "$n" -ge 10 ]
}

@test "the plans of the examples pass the linter" {
    local plan

    for plan in "$EXAMPLES"/*/shipctl.yaml; do
        cp -r "$(dirname "$plan")" project
        run "$SHIPCTL" -C project check lint
        assert_exit 0
        rm -r project
    done
}

@test "the forced command passes on a version and nothing else" {
    local request

    mkdir bin
    printf '#!/bin/sh\necho "$@"\n' >bin/shipctl
    chmod 755 bin/shipctl
    export PATH=$PWD/bin:$PATH
    SSH_ORIGINAL_COMMAND=v1.0.1 run "$EXAMPLES/ssh/deploy-shop"
    assert_equal "$output" '-C /srv/shop --lock-wait 5m deploy v1.0.1'
    SSH_ORIGINAL_COMMAND='' run "$EXAMPLES/ssh/deploy-shop"
    assert_equal "$output" '-C /srv/shop status'
    # shellcheck disable=SC2016 # not to be expanded
    for request in 'v1; id' '-f x' '$(id)' 'a b' '../x' "a'b" $'v1\nid'; do
        SSH_ORIGINAL_COMMAND=$request run "$EXAMPLES/ssh/deploy-shop"
        assert_exit 2
    done
}

@test "the quickstart does what it says" {
    engine_reset
    unset SHIPCTL_STATE_DIR
    SHIPCTL_BUILD=$(dirname "$SHIPCTL") run "$EXAMPLES/quickstart/run.sh" --inside
    rm -rf "$SHIPCTL_SANDBOX/delivery" "$SHIPCTL_SANDBOX/shipctl"
    assert_exit 0
    assert_contains "$output" 'All as promised'
}
