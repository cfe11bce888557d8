#!/usr/bin/env bats
# The engine goes wrong at a call: it refuses, hangs up at any point, answers errors, garbage, without
# an end, slowly or never, or its process is killed, ended or stopped.  shipctl lives through it,
# ends in time with the exit code that says what serves and a message that says what to do, and
# at most one further command leads to one healthy version with nothing left over.  See matrix.bash.
# Inputs: SHIPCTL_TEST_FULL=1: all points, as fault-matrix.sh runs them, else a sample;
# MATRIX_RESULTS: where the results go.

FAULTS=(refused reset eof-begin eof-request eof-sent eof-answer eof-first-byte eof-middle 500 409 garbage
    endless slow silent silent-sent trickle)
ENGINE=(engine-kill engine-term engine-pause engine-hang)

setup_file() {
    export MATRIX_RESULTS=${MATRIX_RESULTS:-$BATS_FILE_TMPDIR/matrix}
}

setup() {
    load helpers
    load matrix
}

teardown() {
    engine_reset
}

@test "the engine goes wrong in a first deployment" {
    matrix first 3 yes "${FAULTS[@]}"
}

@test "the engine goes wrong in a deployment" {
    matrix deploy 6 yes "${FAULTS[@]}"
}

@test "the engine goes wrong in a deployment that fails and is rolled back" {
    matrix failed 4 yes "${FAULTS[@]}"
}

@test "the engine goes wrong in a rollback" {
    matrix rollback 4 yes "${FAULTS[@]}"
}

@test "the engine goes wrong in a prune" {
    matrix prune 3 yes "${FAULTS[@]}"
}

@test "dockerd is killed, ended or stopped in a deployment" {
    matrix deploy 2 yes "${ENGINE[@]}"
}

@test "dockerd is killed, ended or stopped in a rollback" {
    matrix rollback 1 yes "${ENGINE[@]}"
}

@test "dockerd is killed, ended or stopped in a prune" {
    matrix prune 1 yes "${ENGINE[@]}"
}

# answers_within SECONDS ARGUMENT...
answers_within() {
    local began
    began=$(date +%s%3N)
    ship "${@:2}"
    [ $(($(date +%s%3N) - began)) -le $(($1 * 1000)) ]
}

@test "a dockerd that hangs: status says what it knows within 5 s, history all it knows at once" {
    local pid answers=0
    # shellcheck disable=SC2034 # prepare uses them
    MATRIX_DIR=$BATS_TEST_TMPDIR MATRIX_PROJECT=$BATS_TEST_TMPDIR/delivery
    prepare deploy
    pid=$(engine_pid "$ENGINE_DIR")
    kill -STOP "$pid"
    answers_within 5 status || answers=1
    kill -CONT "$pid"
    assert_equal "$answers" 0
    assert_exit 11
    assert_contains "$output" v1.0.0
    kill -STOP "$pid"
    answers_within 2 history || answers=1
    kill -CONT "$pid"
    assert_equal "$answers" 0
    assert_exit 0
    assert_contains "$output" v1.0.0
}
