#!/usr/bin/env bats
# Killed at every call: shipctl, with or without its guardian, dies before a call to the engine, after
# it was sent, with the first byte of the answer, and after the whole answer. At most one further
# command, and one healthy version serves and nothing is left over.  See matrix.bash.
# Inputs: SHIPCTL_TEST_FULL=1: all points (an hour in one go), else a sample; MATRIX_RESULTS: where
# the results go.

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
    matrix first 4 "${KILLS[@]}"
}

@test "killed in a deployment" {
    matrix deploy 7 "${KILLS[@]}"
}

@test "killed in a deployment that fails and is rolled back" {
    matrix failed 5 "${KILLS[@]}"
}

@test "killed in a rollback" {
    matrix rollback 4 "${KILLS[@]}"
}

@test "killed in a prune" {
    matrix prune 4 "${KILLS[@]}"
}

@test "the results make a table" {
    cat "$MATRIX_RESULTS"/*/*.tsv >"$BATS_TEST_TMPDIR/all"
    matrix_report "$BATS_TEST_TMPDIR/all" >"$MATRIX_RESULTS/kill-matrix.md"
    grep -qE '^[1-9][0-9]* points, ' "$MATRIX_RESULTS/kill-matrix.md"
    assert_equal "$(awk -F'\t' '$7 != "ok"' "$BATS_TEST_TMPDIR/all")" ""
}
