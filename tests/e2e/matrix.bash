# shellcheck shell=bash
# The fault matrix: one call of shipctl to a real engine, or one commit to its ledger, goes wrong,
# then what has to hold is judged.  Loaded after helpers.  A point is a scenario
# (matrix-scenarios.bash), a fault of tests/support/fault.c or commit_kill_preload.c, the number of
# the call, and whether the guardian lives.  Each point adds a line to $MATRIX_DIR/SCENARIO.tsv:
# scenario, guardian, fault, call, request, further command, result, exit code, milliseconds, and
# milliseconds after the deadline.  points has all points there are and those that were run.
# Inputs: MATRIX_RESULTS, a folder; SHIPCTL_TEST_FULL=1: every point; SHIPCTL_TEST_SEED: another
# sample; SHIPCTL_TEST_SHARD=K/N: only the Kth of N parts, each as fair, for several sandboxes at once;
# MATRIX_UNTIL: no point begins later, seconds since the epoch.

# shellcheck source=tests/e2e/matrix-scenarios.bash
. "$E2E_DIR/matrix-scenarios.bash"
# shellcheck source=tests/e2e/matrix-judge.bash
. "$E2E_DIR/matrix-judge.bash"
# shellcheck source=tests/e2e/matrix-report.bash
. "$E2E_DIR/matrix-report.bash"

TOOLS=$(dirname "$SHIPCTL")/tests
# Where shipctl dies; everything else is something that the engine does.
is_kill() {
    [[ $1 == kill-* || $1 == commit-* ]]
}

# Where nothing more comes from the engine: one call can take all the time that the short plan has.
is_endless() {
    [[ $1 == @(silent*|trickle|endless|engine-hang) ]]
}

# --- one point -------------------------------------------------------------------------------

# Milliseconds for which somebody on this machine waited for a processor, and those for a disk.
starved_ms() {
    cat /proc/pressure/{cpu,io} 2>/dev/null | awk -F= '/^some/ { us += $NF } END { printf "%d\n", us / 1000 }'
}

# poll_fairly SECONDS COMMAND...: like poll_until, but time for which the machine was too busy does
# not count, up to four times as much.
poll_fairly() {
    local left=$(($1 * 5)) began=$SECONDS starved
    starved=$(starved_ms)
    until poll_until 1 "${@:2}"; do
        [ $((SECONDS - began)) -lt "$left" ] || return 1
        [ $((SECONDS - began - ($(starved_ms) - starved) / 1000)) -lt "$1" ] || return 1
    done
}

# ended_in COMMAND...: runs it; MATRIX_CODE, MATRIX_MS and MATRIX_STARVED_MS say how it ended.
ended_in() {
    local began starved
    starved=$(starved_ms)
    began=$(date +%s%3N)
    MATRIX_CODE=0
    # around it: the shell's own word about a program that was killed
    {
        timeout $((MATRIX_TOTAL_MS / 500 + 30)) "$@" "$SHIPCTL" "${COMMAND[@]}" --progress plain \
            >"$MATRIX_DIR/said" 2>&1 3>&- || MATRIX_CODE=$?
    } 2>/dev/null
    MATRIX_MS=$(($(date +%s%3N) - began)) MATRIX_STARVED_MS=$(($(starved_ms) - starved))
}

# through_proxy FAULT CALL FAMILY: the engine is behind the proxy.
through_proxy() {
    local socket=$MATRIX_PROJECT.sock proxy helper=

    rm -f "$socket"
    ENGINE_PID=$(engine_pid "$ENGINE_DIR") "$TOOLS/record" "$socket" "${DOCKER_HOST#unix://}" \
        "$MATRIX_DIR/calls" "$1" "$2" ${3:+"$3"} 3>&- &
    proxy=$!
    poll_until 5 test -S "$socket"
    if [[ $1 == engine-* && $2 != 0 ]]; then
        engine_nurse "$1" >>"$MATRIX_DIR/commands.log" 2>&1 3>&- &
        helper=$!
    fi
    DOCKER_HOST=unix://$socket ended_in env
    : >"$MATRIX_DIR/ended"
    [ -z "$helper" ] || wait "$helper" || wrong "the engine did not come back"
    settle "$3"
    kill "$proxy"
    wait "$proxy" 2>/dev/null || true
}

# through_ledger FAULT COMMIT FAMILY: dies at a commit.
through_ledger() {
    ended_in env "LD_PRELOAD=$TOOLS/commit_kill.so" "COMMIT_KILL=${1#commit-}:$2${3:+:$3}" \
        "COMMIT_OUT=$MATRIX_DIR/calls" ASAN_OPTIONS=verify_asan_link_order=0
    settle "$3"
}

# through FAULT CALL FAMILY: the scenario's command.  $MATRIX_DIR/calls has what it asked or
# committed, and whether the fault happened.
through() {
    rm -f "$MATRIX_DIR/calls" "$MATRIX_DIR/ended"
    plan_times "$1"
    case $1 in
    commit-*) through_ledger "$@" ;;
    *) through_proxy "$@" ;;
    esac
}

# settle FAMILY: the guardian, if it lives, has finished.
settle() {
    [ "$1" = family ] || may_be_down || poll_fairly 10 serves || wrong "nothing serves after 10 s"
    # Whether an unanswered stop arrived is known when its grace period, 10 s, is over.
    poll_fairly 15 nobody_left || wrong "a process still runs after 15 s"
}

fired() {
    grep -qs '^fired' "$MATRIX_DIR/calls"
}

fired_or_ended() {
    fired || [ -e "$MATRIX_DIR/ended" ]
}

# engine_nurse FAULT: an engine that was ended is started, one that was stopped goes on when the
# command has ended.
engine_nurse() {
    local pid
    pid=$(engine_pid "$ENGINE_DIR")
    poll_until 60 fired_or_ended && fired || return 0
    case $1 in
    engine-kill | engine-term)
        poll_until 30 engine_gone "$pid"
        rm -f "$ENGINE_DIR/docker.pid"
        engine_start "$ENGINE_DIR"
        ;;
    engine-hang)
        poll_until 60 test -e "$MATRIX_DIR/ended"
        kill -CONT "$pid"
        ;;
    esac
}

# point SCENARIO FAULT CALL GUARDIAN: a fault that no call met is no point.
point() {
    local result request

    : >"$MATRIX_DIR/wrong"
    rm -f "$MATRIX_DIR/further"
    plan_times none
    "begin_$1" || wrong "the scenario cannot begin: the deployment before it failed"
    MATRIX_APP=$(app_identity)
    through "$2" "$3" "$([ "$4" = yes ] || echo family)"
    fired || return 0
    request=$(sed -n "s/^$3 //p" "$MATRIX_DIR/calls" | sed -E 's/(sha256:)?[0-9a-f]{64}/ID/; s|127.0.0.1:5000/||')
    MATRIX_LATE_MS=0
    is_kill "$2" || answered "$2" "$MATRIX_CODE"
    plan_times none
    further "$4" "$3"
    sound
    result=$(paste -sd';' "$MATRIX_DIR/wrong")
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$4" "$2" "$3" "$request" "$FURTHER" \
        "${result:-ok}" "$MATRIX_CODE" "$MATRIX_MS" "$MATRIX_LATE_MS" >>"$MATRIX_DIR/$1.tsv"
    [ -z "$result" ] && return
    echo "$1, $2 at call $3 ($request), guardian $4: $result; exit $MATRIX_CODE" >&2
    cat "$MATRIX_DIR/said" "$MATRIX_DIR/further" >&2 2>/dev/null || true
    prepare "$1"
    MATRIX_BAD=$((MATRIX_BAD + 1))
}

# --- many ------------------------------------------------------------------------------------

# count_calls SCENARIO FAULT
count_calls() {
    "begin_$1"
    through "$2" 0 ""
    wc -l <"$MATRIX_DIR/calls"
}

# stride_of TOTAL: steps of this size visit all of them, far from each other: the golden section.
stride_of() {
    local a b rest step=$(($1 * 618 / 1000))

    for ((;; step++)); do
        for ((a = $1, b = step; b > 0; a = b, b = rest)); do
            rest=$((a % b))
        done
        [ "$a" != 1 ] || break
    done
    echo "$step"
}

# matrix SCENARIO SAMPLE GUARDIANS FAULT...: every call with every fault, with guardian (yes),
# without (no) or both ("yes no"); or a sample of so many points, spread over all, as is a run that
# is cut short.
matrix() {
    local scenario=$1 sample=$2 guardians faults=("${@:4}") calls total stride i k run=0
    local shard=${SHIPCTL_TEST_SHARD:-0/1}

    read -ra guardians <<<"$3"
    MATRIX_BAD=0
    MATRIX_DIR=$MATRIX_RESULTS/${BATS_TEST_FILENAME##*/}-$BATS_TEST_NUMBER-$scenario
    MATRIX_PROJECT=$BATS_TEST_TMPDIR/delivery
    mkdir -p "$MATRIX_DIR"
    rm -f "$MATRIX_DIR"/*
    docker version --format '{{.Server.Version}}' >"$MATRIX_DIR/engine"
    prepare "$scenario"
    calls=$(count_calls "$scenario" "${faults[0]}")
    total=$((calls * ${#faults[@]} * ${#guardians[@]}))
    [ "$total" -gt 0 ]
    stride=$(stride_of "$total")
    echo "$total 0" >"$MATRIX_DIR/points"
    [ -z "${SHIPCTL_TEST_FULL:-}" ] || sample=$total
    for ((i = sample * ${shard%/*} / ${shard#*/}; i < sample * (${shard%/*} + 1) / ${shard#*/}; i++)); do
        [ "$(date +%s)" -lt "${MATRIX_UNTIL:-9999999999}" ] || break
        run=$((run + 1))
        k=$(((i * stride + BATS_TEST_NUMBER * 1009 + ${SHIPCTL_TEST_SEED:-0}) % total))
        point "$scenario" "${faults[k % ${#faults[@]}]}" $((k / ${#faults[@]} / ${#guardians[@]} + 1)) \
            "${guardians[k / ${#faults[@]} % ${#guardians[@]}]}"
        echo "$total $run" >"$MATRIX_DIR/points"
    done
    [ "$MATRIX_BAD" = 0 ]
}
