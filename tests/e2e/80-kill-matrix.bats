#!/usr/bin/env bats
# Killed at every call and every commit: shipctl, with or without its guardian, dies before a call
# to the engine, after it was sent, with the first byte of the answer, and after the whole answer;
# and before and after each commit to the ledger.  At most one further command, and one healthy
# version serves and nothing is left over.  See matrix.bash.
# Inputs: SHIPCTL_TEST_FULL=1: all points, as fault-matrix.sh runs them, else a sample;
# MATRIX_RESULTS: where the results go.

KILLS=(kill-before kill-sent kill-first-byte kill-answer)
COMMITS=(commit-before commit-after)

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

@test "killed in a first deployment" {
    matrix first 4 "yes no" "${KILLS[@]}"
}

@test "killed in a deployment" {
    matrix deploy 7 "yes no" "${KILLS[@]}"
}

@test "killed in a deployment that fails and is rolled back" {
    matrix failed 5 "yes no" "${KILLS[@]}"
}

@test "killed in a rollback" {
    matrix rollback 4 "yes no" "${KILLS[@]}"
}

@test "killed in a prune" {
    matrix prune 4 "yes no" "${KILLS[@]}"
}

@test "killed at a commit of a first deployment" {
    matrix first 2 "yes no" "${COMMITS[@]}"
}

@test "killed at a commit of a deployment" {
    matrix deploy 4 "yes no" "${COMMITS[@]}"
}

@test "killed at a commit of a deployment that fails and is rolled back" {
    matrix failed 3 "yes no" "${COMMITS[@]}"
}

@test "killed at a commit of a rollback" {
    matrix rollback 3 "yes no" "${COMMITS[@]}"
}

@test "killed at a commit of a prune" {
    matrix prune 2 "yes no" "${COMMITS[@]}"
}

@test "the results make a table" {
    local table=$BATS_TEST_TMPDIR/table
    matrix_report "$MATRIX_RESULTS"/80-*/*.tsv >"$table"
    grep -qE '^[1-9][0-9]* points, ' "$table"
    assert_equal "$(matrix_verdicts "$MATRIX_RESULTS"/80-*/*.tsv | cut -d' ' -f2)" 0
}
