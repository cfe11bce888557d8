# shellcheck shell=bash
# The kill matrix: one call of shipctl to a real engine goes wrong, then what has to hold is judged.
# Loaded after helpers.  A point is a scenario, a fault of tests/support/fault.c, the number of the
# call, and whether the guardian lives.  Each point adds a line to $MATRIX_DIR/SCENARIO.tsv:
# scenario, guardian, fault, call, request, further command, result.
# Inputs: MATRIX_RESULTS, a folder; SHIPCTL_TEST_FULL=1: every point; SHIPCTL_TEST_SEED: another
# sample; SHIPCTL_TEST_SHARD=K/N: only every Nth point from the Kth on, for several sandboxes at once.

RECORD=$(dirname "$SHIPCTL")/tests/record
# shellcheck disable=SC2034 # for the tests
KILLS=(kill-before kill-sent kill-first-byte kill-answer)
COMMAND=() # of the scenario

# --- scenarios -------------------------------------------------------------------------------

matrix_project() {
    MATRIX_PROJECT=$1
    export SHIPCTL_STATE_DIR=$1-state
    rm -rf "$1" "$1-state"
    project_small "$1"
    sed -i '/healthcheck/d' "$1/docker-compose.yml"
    printf 'prune: {after_deploy: false, keep: 1}\ntimeouts: {start: 5s, total: 30s, rollback: 20s, pull: 10s}\n' >>"$1/shipctl.yaml"
    plan_checks "$1" 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", interval: 50ms, retries: 40}]'
    cd "$1" || return 1
}

# forget_image VERSION: the next deployment has to pull it.
forget_image() {
    docker images -q --filter "reference=*/app:$1" | for_each docker rmi -f
}

serving() {
    curl -sf --max-time 2 http://127.0.0.1:8080/version || true
}

# to_version VERSION: the deployment that brings the scenario back to its begin.
to_version() {
    [ "$(serving)" = "$1" ] || quietly "$SHIPCTL" deploy "$1" --progress none
}

quietly() {
    "$@" >>"$MATRIX_DIR/commands.log" 2>&1
}

begin_first() {
    COMMAND=(deploy v1.0.0)
    engine_reset
    matrix_project "$MATRIX_PROJECT"
}

begin_deploy() {
    COMMAND=(deploy v1.0.1)
    to_version v1.0.0 && forget_image v1.0.1
}

begin_failed() {
    COMMAND=(deploy v1.1.2-exit)
    to_version v1.0.0 && forget_image v1.1.2-exit
}

begin_rollback() {
    COMMAND=(rollback)
    to_version v1.0.0 && to_version v1.0.1
}

begin_prune() {
    local version
    COMMAND=(prune)
    to_version v1.0.0
    for version in v1.0.1 v1.1.2-exit; do
        quietly docker pull -q "$SHIPCTL_TEST_REGISTRY/app:$version"
    done
}

# Once per scenario: the versions that have a history.
prepare() {
    engine_reset
    matrix_project "$MATRIX_PROJECT"
    case $1 in
    failed | deploy | rollback) to_version v1.0.0 ;;
    prune) to_version v1.0.0 && to_version v1.0.1 && to_version v1.0.0 ;;
    first) ;;
    esac
}

# --- one point -------------------------------------------------------------------------------

# through FAULT CALL FAMILY: the scenario's command, whose engine is behind the proxy.
# $MATRIX_DIR/calls has what it asked and whether the fault happened.
through() {
    local socket=$MATRIX_PROJECT.sock proxy code=0

    rm -f "$socket" "$MATRIX_DIR/calls"
    "$RECORD" "$socket" "${DOCKER_HOST#unix://}" "$MATRIX_DIR/calls" "$1" "$2" ${3:+"$3"} 3>&- &
    proxy=$!
    poll_until 5 test -S "$socket"
    DOCKER_HOST=unix://$socket timeout 60 "$SHIPCTL" "${COMMAND[@]}" --progress none >"$MATRIX_DIR/said" 2>&1 3>&- || code=$?
    [ "${3:-}" = family ] || [ "${COMMAND[1]:-}" = v1.0.0 ] || poll_until 10 serves ||
        echo "nothing serves after 10 s" >>"$MATRIX_DIR/wrong"
    # Whether an unanswered stop arrived is known when its grace period, 10 s, is over.
    poll_until 15 nobody_left || echo "a process still runs after 15 s" >>"$MATRIX_DIR/wrong"
    kill "$proxy"
    wait "$proxy" 2>/dev/null || true
    MATRIX_CODE=$code
}

serves() {
    [ -n "$(serving)" ]
}

# Neither shipctl nor its guardian, in a PID namespace of our own.
nobody_left() {
    ! pgrep -f "^$SHIPCTL" >/dev/null
}

operation_open() {
    "$SHIPCTL" status --json 2>/dev/null | jq -e '.operation != null' >/dev/null
}

# further GUARDIAN CALL: at most one more command, named in FURTHER: recover and the same again take turns.
further() {
    FURTHER=none
    if [ -z "$(serving)" ]; then
        FURTHER=again
        [ "$1" = no ] || [ "${COMMAND[1]:-}" = v1.0.0 ] || echo "the guardian left nothing that serves" >>"$MATRIX_DIR/wrong"
    elif operation_open; then
        FURTHER=again
    fi
    [ "$FURTHER" = none ] || [ $(($2 % 2)) = 1 ] || [ "${COMMAND[1]:-}" = v1.0.0 ] || FURTHER=recover
    case $FURTHER in
    again) "$SHIPCTL" "${COMMAND[@]}" >"$MATRIX_DIR/further" 2>&1 || true ;;
    recover) "$SHIPCTL" recover >"$MATRIX_DIR/further" 2>&1 || true ;;
    none) return 0 ;;
    esac
    grep -qE "died in step|left work behind|interrupted" "$MATRIX_DIR/further" || [ "${COMMAND[1]:-}" = v1.0.0 ] ||
        echo "the further command does not say what happened" >>"$MATRIX_DIR/wrong"
}

# wrong_unless WHAT COMMAND...
wrong_unless() {
    "${@:2}" >>"$MATRIX_DIR/commands.log" 2>&1 || echo "$1" >>"$MATRIX_DIR/wrong"
}

# sound: what has to hold after every point.
sound() {
    local version status
    version=$(serving)
    status=$("$SHIPCTL" status --json 2>/dev/null) || echo "status exits with an error" >>"$MATRIX_DIR/wrong"
    case $version in
    v1.0.0 | v1.0.1) ;;
    *) echo "'$version' serves" >>"$MATRIX_DIR/wrong" ;;
    esac
    wrong_unless "the ledger has another version than '$version'" jq -e ".version == \"$version\" and .healthy" <<<"$status"
    wrong_unless "an operation is open" jq -e '.operation == null' <<<"$status"
    wrong_unless "drift: $(jq -c .drift <<<"$status")" jq -e '.drift == []' <<<"$status"
    wrong_unless "not one container: $(docker ps -a --format '{{.Names}} {{.State}}' | paste -sd,)" \
        assert_equal "$(docker ps -a --format '{{.Names}} {{.State}}')" "delivery-app running"
    wrong_unless "networks: $(docker network ls --format '{{.Name}}' | paste -sd,)" \
        assert_equal "$(docker network ls --format '{{.Name}}' | wc -l)" 4
    wrong_unless "tags: $(strange_tags)" assert_equal "$(strange_tags)" ""
    wrong_unless "left over: $(strange_files)" assert_equal "$(strange_files)" ""
    wrong_unless ".env names another version" grep -qx "APP_VERSION=$version" .env
    wrong_unless "the audit chain is broken" "$SHIPCTL" history --verify
    wrong_unless "a process is left" nobody_left
}

strange_tags() {
    docker images --format '{{.Repository}}:{{.Tag}}' | grep -vE '/(app|postgres|nginx):|:<none>$' | paste -sd' ' || true
}

strange_files() {
    find . "$SHIPCTL_STATE_DIR" -type f ! -name docker-compose.yml ! -name shipctl.yaml ! -name .env \
        ! -name 'ledger.db*' ! -name ledger.ballast ! -path '*/locks/*' | paste -sd' '
}

# point SCENARIO FAULT CALL GUARDIAN: a fault that no call met is no point.
point() {
    local result request

    : >"$MATRIX_DIR/wrong"
    rm -f "$MATRIX_DIR/further"
    "begin_$1" || echo "the scenario cannot begin: the deployment before it failed" >>"$MATRIX_DIR/wrong"
    through "$2" "$3" "$([ "$4" = yes ] || echo family)"
    grep -q '^fired' "$MATRIX_DIR/calls" || return 0
    request=$(sed -n "s/^$3 //p" "$MATRIX_DIR/calls" | sed -E 's/(sha256:)?[0-9a-f]{64}/ID/; s|127.0.0.1:5000/||')
    further "$4" "$3"
    sound
    result=$(paste -sd';' "$MATRIX_DIR/wrong")
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$4" "$2" "$3" "$request" "$FURTHER" "${result:-ok}" >>"$MATRIX_DIR/$1.tsv"
    [ -z "$result" ] && return
    echo "$1, $2 at call $3 ($request), guardian $4: $result; exit $MATRIX_CODE" >&2
    cat "$MATRIX_DIR/said" "$MATRIX_DIR/further" >&2 2>/dev/null || true
    prepare "$1"
    MATRIX_BAD=$((MATRIX_BAD + 1))
}

# --- many ------------------------------------------------------------------------------------

# count_calls SCENARIO
count_calls() {
    "begin_$1"
    through kill-before 0
    wc -l <"$MATRIX_DIR/calls"
}

# matrix SCENARIO SAMPLE FAULT...: every call with every fault, with and without guardian; or a
# sample of so many points, spread by a stride that is prime, so that a run that is cut short is
# fair too.
matrix() {
    local scenario=$1 sample=$2 calls total i k shard=${SHIPCTL_TEST_SHARD:-0/1} faults=("${@:3}")

    MATRIX_BAD=0
    MATRIX_DIR=$MATRIX_RESULTS/$scenario
    MATRIX_PROJECT=$BATS_TEST_TMPDIR/delivery
    mkdir -p "$MATRIX_DIR"
    rm -f "$MATRIX_DIR"/*
    prepare "$scenario"
    calls=$(count_calls "$scenario")
    total=$((calls * ${#faults[@]} * 2))
    [ "$total" -gt 0 ]
    [ -z "${SHIPCTL_TEST_FULL:-}" ] || sample=$total
    for ((i = ${shard%/*}; i < sample; i += ${shard#*/})); do
        k=$(((i * 7919 + ${SHIPCTL_TEST_SEED:-0}) % total))
        point "$scenario" "${faults[k % ${#faults[@]}]}" $((k / ${#faults[@]} / 2 + 1)) \
            "$([ $((k / ${#faults[@]} % 2)) = 0 ] && echo yes || echo no)"
    done
    [ "$MATRIX_BAD" = 0 ]
}

# matrix_report FILE...: the table of what was injected, how often, and the result.
matrix_report() {
    printf '| scenario | guardian | injected | calls | points | sound | no command needed | recover | same again |\n'
    printf '|---|---|---|---:|---:|---:|---:|---:|---:|\n'
    awk -F'\t' '
        { key = $1 " | " $2 " | " $3; n[key]++; sum++
          if (!((key, $4) in seen)) { seen[key, $4] = 1; calls[key]++ }
          if ($7 == "ok") { ok[key]++; good++ } else bad[++lost] = "- " key ", call " $4 " `" $5 "`: " $7
          further[key, $6]++ }
        END { for (key in n) printf "| %s | %d | %d | %d | %d | %d | %d |\n", key, calls[key], n[key],
                  ok[key], further[key, "none"], further[key, "recover"], further[key, "again"] | "sort"
              close("sort")
              printf "\n%d points, %d sound.\n", sum, good
              for (i = 1; i <= lost; i++) print bad[i] }' "$@"
}
