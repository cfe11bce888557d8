# shellcheck shell=bash
# The scenarios of the fault matrix: how each begins, its command, and what it is to lead to.
# Loaded by matrix.bash.  prepare SCENARIO once, then begin_SCENARIO before each point.

# shellcheck disable=SC2034 # for the others
COMMAND=() OLD='' NEW='' # of the scenario: NEW serves only after exit code 0
MATRIX_TOTAL_MS=0     # for the operation, and as much again for the way back

matrix_project() {
    MATRIX_PROJECT=$1
    export SHIPCTL_STATE_DIR=$1-state
    rm -rf "$1" "$1-state"
    project_small "$1"
    sed -i '/healthcheck/d' "$1/docker-compose.yml"
    printf 'prune: {after_deploy: false, keep: 1}\ntimeouts:\n' >>"$1/shipctl.yaml"
    plan_checks "$1" 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", interval: 50ms, retries: 200}]'
    cd "$1" || return 1
    plan_times none
}

# plan_times FAULT: short where nothing comes from the engine, so that the operation's end is what
# ends it and not a call's own limit; else long: a busy machine is no fault.
plan_times() {
    local s=60
    ! is_endless "$1" || s=9
    MATRIX_TOTAL_MS=${s}000
    sed -i "s/^timeouts:.*/timeouts: {start: 8s, total: ${s}s, rollback: ${s}s, pull: ${s}s}/" "$MATRIX_PROJECT/shipctl.yaml"
}

# forget_image VERSION: the next deployment has to pull it.
forget_image() {
    docker images -q --filter "reference=*/app:$1" | for_each docker rmi -f
}

serving() {
    curl -sf --max-time 2 http://127.0.0.1:8080/version || true
}

serves() {
    [ -n "$(serving)" ]
}

quietly() {
    "$@" >>"$MATRIX_DIR/commands.log" 2>&1
}

# to_version VERSION: the deployment that brings the scenario back to its begin.
to_version() {
    [ "$(serving)" = "$1" ] || quietly "$SHIPCTL" deploy "$1" --progress none
}

# scenario OLD NEW COMMAND...
# shellcheck disable=SC2034
scenario() {
    OLD=$1 NEW=$2 COMMAND=("${@:3}")
}

# Is there a version before the command?
has_old() {
    [ -n "$OLD" ]
}

begin_first() {
    scenario "" v1.0.0 deploy v1.0.0
    engine_reset
    matrix_project "$MATRIX_PROJECT"
}

# There and back between two versions, so that a deployment that succeeds is the begin of the next.
begin_deploy() {
    if [ "$(serving)" = v1.0.1 ]; then
        scenario v1.0.1 v1.0.0 deploy v1.0.0
    else
        scenario v1.0.0 v1.0.1 deploy v1.0.1
    fi
    to_version "$OLD" && forget_image "$NEW"
}

begin_failed() {
    scenario v1.0.0 none deploy v1.1.2-exit
    to_version v1.0.0 && forget_image v1.1.2-exit
}

begin_rollback() {
    scenario v1.0.1 v1.0.0 rollback
    goes_back_to v1.0.0 || to_version v1.0.0 && to_version v1.0.1
}

begin_prune() {
    local version
    scenario v1.0.0 v1.0.0 prune
    to_version v1.0.1 && to_version v1.0.0 # the ledger has a version to let go
    for version in v1.0.1 v1.1.2-exit; do
        quietly docker pull -q "$SHIPCTL_TEST_REGISTRY/app:$version"
    done
}

# goes_back_to VERSION: that is what v1.0.1 would be rolled back to.
goes_back_to() {
    [ "$("$SHIPCTL" status --json 2>/dev/null | jq -r '.version, .previous.version' | paste -sd' ')" = "v1.0.1 $1" ]
}

# Once per scenario: the versions that have a history.
prepare() {
    engine_reset
    matrix_project "$MATRIX_PROJECT"
    case $1 in
    first) ;;
    *) to_version v1.0.0 ;;
    esac
}
