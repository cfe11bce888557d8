#!/bin/bash
# The test command: installs what is missing, builds with sanitizers, runs lint, unit and component
# tests and the end-to-end tests against a real dockerd.  Needs root on Debian 12.
#
#   tests/run.sh [STAGE...]      stages: packages build lint ctest memory e2e memcheck matrix faults;
#                                default: all but the last three, which SHIPCTL_TEST_FULL=1 adds
#
# Inputs: SHIPCTL_TEST_JOBS (default: the number of processors) and those of setup/sandbox.sh.
# Full logs are in build-asan/log.  The last line is 'N passed, N failed, N skipped'; the exit code
# is 0 only when nothing failed and nothing was skipped.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$tests")
build=$top/build-asan
logs=$build/log
jobs=${SHIPCTL_TEST_JOBS:-$(nproc)}
passed=0 failed=0 skipped=0

say() {
    printf '%s\n' "$*"
}

# count PASSED FAILED SKIPPED
count() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# logged NAME COMMAND...: runs quietly; a failure shows the end of the log.
logged() {
    local log=$logs/$1.log
    shift

    "$@" >"$log" 2>&1 && return
    say "   failed: $*"
    tail -n 40 "$log" | sed 's/^/   | /'
    say "   full log: $log"
    return 1
}

# --- stages ----------------------------------------------------------------------------------

stage_packages() {
    "$tests/setup/packages.sh" build run test
}

stage_build() {
    logged configure cmake --preset asan -S "$top" -B "$build" &&
        logged build cmake --build "$build" -j "$jobs"
}

# lint_one SCRIPT: counts as one test.
lint_one() {
    local name=${1##*/}

    if logged "lint-${name%.sh}" "$1"; then
        say "   ok $name"
        count 1 0 0
    else
        count 0 1 0
    fi
}

stage_lint() {
    local script

    for script in "$tests"/lint/*.sh; do
        if [ -x "$script" ]; then
            lint_one "$script"
        fi
    done
}

# Sums a verbose ctest log: cmocka's own count where a program printed one, else one a program.
ctest_counts() {
    awk '
        /^[0-9]+: \[ +OK \]/ { ok[$1 + 0]++ }
        /^[0-9]+: \[ +SKIPPED \] [^0-9]/ { idle[$1 + 0 ":" $NF] = 1 }
        /^[0-9]+: \[ +FAILED +\] [^0-9]/ { bad[$1 + 0 ":" $NF] = 1 }
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ {
            number = $0; sub(/.*#/, "", number); number += 0
            for (key in bad) if (key ~ "^" number ":") lost[number]++
            for (key in idle) if (key ~ "^" number ":") skipped++
            if (/ Passed /) passed += ok[number] ? ok[number] : 1
            else if (/Skipped|Disabled/) skipped++
            else { failed += lost[number] ? lost[number] : 1; passed += ok[number] }
        }
        END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# add_counts CODE PASSED FAILED SKIPPED: a runner that failed without a failed test failed itself.
add_counts() {
    local failures=$3

    [ "$1" -eq 0 ] || [ "$failures" -gt 0 ] || failures=1
    [ "$2$failures$4" != 000 ] || failures=1
    count "$2" "$failures" "$4"
    say "   $2 passed, $failures failed, $4 skipped"
}

stage_ctest() {
    local log=$logs/ctest.log code=0 counts

    ctest --test-dir "$build" -j "$jobs" -V --no-tests=error >"$log" 2>&1 || code=$?
    grep -E '^ *[0-9]+/[0-9]+ Test +#' "$log" | grep -v ' Passed ' | sed 's/^ */   /' || true
    grep -E '^[0-9]+: (\[ +(FAILED|ERROR) |.*(ERROR: AddressSanitizer|runtime error))' "$log" |
        head -n 40 | sed 's/^/   | /' || true
    counts=$(ctest_counts "$log")
    # shellcheck disable=SC2086 # three numbers
    add_counts "$code" $counts
}

# An optimised build, without sanitizers: NAME TARGET...
plain=$top/build-gcc
build_plain() {
    local name=$1
    shift

    logged "$name-configure" cmake --preset gcc -S "$top" -B "$plain" &&
        logged "$name-build" cmake --build "$plain" -j "$jobs" --target "$@"
}

# How much memory the program takes from a hostile engine; sanitizers would be measured with it.
stage_memory() {
    if build_plain memory shipctl component_test_hostile &&
        logged memory ctest --test-dir "$plain" -V --no-tests=error -R '^component/test_hostile$'; then
        grep -o 'at most [0-9]* KiB.*' "$logs/memory.log" | sed 's/^/   /' || true
        count 1 0 0
    else
        count 0 1 0
    fi
}

# valgrind: one test a program.
stage_memcheck() {
    local log=$logs/memcheck.log code=0

    : >"$log"
    build_plain memcheck all || code=$?
    [ "$code" -ne 0 ] || "$tests/memcheck.sh" "$plain" >"$log" 2>&1 || code=$?
    add_counts "$code" "$(grep -c '^ok ' "$log")" "$(grep -c '^FAILED ' "$log")" 0
}

# Sums a TAP log; tests that the plan announced and that never reported have failed.
tap_counts() {
    awk '
        /^1\.\./ { sub(/^1\.\./, ""); planned = $1 + 0 }
        /^ok .* # skip/ { skipped++; next }
        /^ok / { passed++ }
        /^not ok / { failed++ }
        END { missing = planned - passed - failed - skipped
              print passed + 0, failed + (missing > 0 ? missing : 0), skipped + 0 }' "$1"
}

stage_e2e() {
    local log=$logs/e2e.log code=0 counts

    # A shell cannot undo an ignored signal, and whoever runs this may ignore some (nohup does).
    SHIPCTL_BINARY=${SHIPCTL_BINARY:-$build/shipctl} \
        env --default-signal=HUP,INT,QUIT,PIPE,TERM --unset=SHIPCTL_TEST_FULL "$tests/setup/sandbox.sh" \
        bats --tap "$tests/e2e" 2>&1 | tee "$log" | sed -u 's/^/   /' || code=$?
    counts=$(tap_counts "$log")
    # shellcheck disable=SC2086 # three numbers
    add_counts "$code" $counts
}

# Every engine with every Compose; the table is stored beside the script.
stage_matrix() {
    local log=$logs/matrix.log code=0

    SHIPCTL_BINARY=${SHIPCTL_BINARY:-$build/shipctl} "$tests/e2e/compose-matrix.sh" >"$log" 2>&1 || code=$?
    sed '$d; s/^/   /' "$log"
    # shellcheck disable=SC2046 # three numbers
    add_counts "$code" $(tail -n 1 "$log" | grep -xE '[0-9]+ [0-9]+ [0-9]+' || echo 0 1 0)
}

# Every fault at every call to a real engine; the tables are stored beside the script.
stage_faults() {
    local log=$logs/faults.log what code

    for what in kills engine; do
        code=0
        SHIPCTL_BINARY=${SHIPCTL_BINARY:-$build/shipctl} "$tests/e2e/fault-matrix.sh" "$what" >"$log" 2>&1 || code=$?
        # shellcheck disable=SC2046 # three numbers
        add_counts "$code" $(tail -n 1 "$log" | grep -xE '[0-9]+ [0-9]+ [0-9]+' || echo 0 1 0)
    done
}

# --- all -------------------------------------------------------------------------------------

# run_stage NAME: without packages or a build there is nothing to go on with.
run_stage() {
    local began=$SECONDS

    say "== $1"
    case $1 in
    packages) stage_packages || give_up ;;
    build) stage_build || give_up ;;
    lint) stage_lint ;;
    ctest) stage_ctest ;;
    memory) stage_memory ;;
    e2e) stage_e2e ;;
    memcheck) stage_memcheck ;;
    matrix) stage_matrix ;;
    faults) stage_faults ;;
    *) say "unknown stage '$1': packages build lint ctest memory e2e memcheck matrix faults" && exit 2 ;;
    esac
    say "   $((SECONDS - began)) s"
}

give_up() {
    count 0 1 0
    finish
}

finish() {
    say "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

main() {
    local stage

    mkdir -p "$logs"
    for stage in "$@"; do
        run_stage "$stage"
    done
    finish
}

if [ $# -eq 0 ]; then
    set -- packages build lint ctest memory e2e
    [ "${SHIPCTL_TEST_FULL:-}" != 1 ] || set -- "$@" memcheck matrix faults
fi
main "$@"
