#!/bin/bash
# 70-compose.bats with several engines and releases of Compose, and the table of what came out.
#
#   compose-matrix.sh                      all of them, one after the other
#   compose-matrix.sh ENGINE/COMPOSE...    some, e.g. 28.5/2.40.3; the other rows stay
#
# Writes compose-RESULTS.md beside this file; several may run at once.  Logs are in the folder that
# SHIPCTL_TEST_LOGS names (default: build-asan/log).  The last line is 'PASSED FAILED SKIPPED'; the
# exit code is that of the tests.
set -euo pipefail

e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/setup/lib.sh
. "$e2e/../setup/lib.sh"
results=$e2e/compose-RESULTS.md
logs=${SHIPCTL_TEST_LOGS:-$e2e/../../build-asan/log}
every=(20.10/2.26.1 20.10/2.40.3 26.1/2.26.1 26.1/2.40.3 28.5/2.26.1 28.5/2.40.3)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

head_lines() {
    cat <<'EOF'
# shipctl beside the real Compose

Written by `tests/e2e/compose-matrix.sh`; each run replaces its own rows. "Calls" are those that
create containers, networks and volumes, from both tools for the same files, and "on purpose" counts
the members that differ in them for a reason in `compose-differences.txt`; any other fails the test.
The tests beside the comparison are those of one project with two tools.

| engine | Compose | API | calls | on purpose | passed | failed | skipped | seconds |
|---|---|---|---:|---:|---:|---:|---:|---:|
EOF
}

# write_row KEY ROW: takes the place of the row that begins with KEY.
write_row() {
    exec 9<"$e2e"
    flock 9
    {
        head_lines
        { grep '^| [0-9]' "$results" 2>/dev/null || true; } | { grep -vF -- "$1" || true; } |
            { cat && printf '%s\n' "$2"; } | sort -V
    } >"$results.tmp"
    mv "$results.tmp" "$results"
    exec 9<&-
}

# tap_counts LOG: passed, failed (or never reported) and skipped tests.
tap_counts() {
    awk '/^1\.\./ { planned = substr($0, 4) + 0 }
        /^ok .* # skip/ { skipped++; next }
        /^ok / { passed++ }
        END { print passed + 0, planned - passed - skipped, skipped + 0 }' "$1"
}

# run_one ENGINE COMPOSE
run_one() {
    local log=$logs/compose-$1-$2.log report=$work/report began=$SECONDS code=0 counts api calls members

    : >"$report"
    SHIPCTL_TEST_REPORT=$report SHIPCTL_TEST_ENGINE=$1 SHIPCTL_TEST_COMPOSE=$2 \
        "$e2e/../setup/sandbox.sh" bats --tap "$e2e/70-compose.bats" >"$log" 2>&1 || code=$?
    counts=$(tap_counts "$log")
    read -r api calls members < <(awk '{ api = $1; calls += $2; members += $3 }
        END { print api ? api : "-", calls + 0, members + 0 }' "$report")
    parts_say "engine $1, Compose $2: $counts (passed, failed, skipped), exit code $code"
    write_row "| $1 | $2 |" "| $1 | $2 | $api | $calls | $members | ${counts// / | } | $((SECONDS - began)) |"
    echo "$counts" >>"$work/counts"
    return "$code"
}

main() {
    local cell worst=0

    mkdir -p "$logs"
    [ $# -gt 0 ] || set -- "${every[@]}"
    for cell in "$@"; do
        run_one "${cell%/*}" "${cell#*/}" || worst=1
    done
    awk '{ passed += $1; failed += $2; skipped += $3 } END { print passed, failed, skipped }' "$work/counts"
    exit "$worst"
}

main "$@"
