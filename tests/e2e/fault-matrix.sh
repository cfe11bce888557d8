#!/bin/bash
# All points of the fault matrix, in several sandboxes at once, and the table of what came out.
#
#   fault-matrix.sh kills|engine [SANDBOXES]      default: 2
#
# kills: 80-kill-matrix.bats, writes kill-matrix.md beside this file; engine: 81-engine-faults.bats,
# engine-faults.md.  Inputs: SHIPCTL_BINARY and those of setup/sandbox.sh; FAULT_MATRIX_MINUTES:
# begin no point later than so many minutes after the start.  The points are run in rounds, each a
# fair part of all, so that a run that is cut short has some of everything.  Logs and single results
# are in the folder that SHIPCTL_TEST_LOGS names (default: build-asan/log).  The last line is
# 'PASSED FAILED SKIPPED', counted in points; the exit code is 0 only when every point was run and
# is sound.
set -euo pipefail

e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/setup/lib.sh
. "$e2e/../setup/lib.sh"
# shellcheck source=tests/e2e/matrix-report.bash
. "$e2e/matrix-report.bash"
logs=${SHIPCTL_TEST_LOGS:-$e2e/../../build-asan/log}
what=${1:-}
sandboxes=${2:-2}
export SHIPCTL_BINARY=${SHIPCTL_BINARY:-$e2e/../../build-asan/shipctl}
results=$logs/fault-matrix-$what
rounds=6

# run_rounds K: the share of sandbox K, inside it.
run_rounds() {
    local round

    for ((round = 0; round < rounds; round++)); do
        [ "$(date +%s)" -lt "${MATRIX_UNTIL:-9999999999}" ] || break
        MATRIX_RESULTS=$results/$1-$round SHIPCTL_TEST_SHARD=$((round * sandboxes + $1))/$((rounds * sandboxes)) \
            SHIPCTL_TEST_FULL=1 bats --tap "$e2e/$tests" || true # the points say it
    done
}

write_table() {
    local engine all run

    engine=$(cat "$results"/*/*/engine | sort -u | paste -sd' ')
    read -r all run < <(matrix_coverage "$results"/*/*/points)
    {
        cat <<END
# $title

Written by \`tests/e2e/fault-matrix.sh $what $sandboxes\`: $("$SHIPCTL_BINARY" version), dockerd $engine,
$sandboxes sandboxes on $(nproc) processors, $((SECONDS / 60)) minutes; $run of $all points that there are were run,
in rounds that each have some of everything. A point is one fault at one call or one commit in one
scenario; \`matrix-judge.bash\` says what makes it sound, \`tests/support/fault.c\` what the faults are.
Calls that a run did not come to are no points. "Guardian no": it was killed along. The last columns:
how many points needed no further command, \`recover\`, or the same command again; how long the
slowest command took; and how long after its deadline the latest one ended.

END
        matrix_report "$results"/*/*/*.tsv
    } >"$e2e/$table"
    # shellcheck disable=SC2046 # two numbers
    echo $(matrix_verdicts "$results"/*/*/*.tsv) $((all - run))
}

run_all() {
    local k pids=() pid

    rm -rf "$results"
    mkdir -p "$results"
    [ -z "${FAULT_MATRIX_MINUTES:-}" ] || export MATRIX_UNTIL=$(($(date +%s) + FAULT_MATRIX_MINUTES * 60))
    for ((k = 0; k < sandboxes; k++)); do
        FAULT_MATRIX_PART=$k "$e2e/../setup/sandbox.sh" "$e2e/fault-matrix.sh" "$what" "$sandboxes" \
            >"$logs/fault-matrix-$what-$k.log" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || true
    done
    write_table | tee "$logs/fault-matrix-$what.counts"
    grep -qE '^[1-9][0-9]* 0 0$' "$logs/fault-matrix-$what.counts"
}

case $what in
kills) tests=80-kill-matrix.bats table=kill-matrix.md title='Killed at every call and every commit' ;;
engine) tests=81-engine-faults.bats table=engine-faults.md title='The engine goes wrong at every call' ;;
*) parts_die "usage: fault-matrix.sh kills|engine [SANDBOXES]" ;;
esac
if [ -n "${FAULT_MATRIX_PART:-}" ]; then
    run_rounds "$FAULT_MATRIX_PART"
else
    run_all
fi
