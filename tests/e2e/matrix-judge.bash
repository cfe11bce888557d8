# shellcheck shell=bash
# The judge of the fault matrix: what a command may answer when the engine went wrong, how many
# further commands are needed, and what has to hold after every point.  Loaded by matrix.bash.
# Each complaint is a line of $MATRIX_DIR/wrong.

wrong() {
    echo "$1" >>"$MATRIX_DIR/wrong"
}

# wrong_unless WHAT COMMAND...
wrong_unless() {
    "${@:2}" >>"$MATRIX_DIR/commands.log" 2>&1 || wrong "$1"
}

# Neither shipctl nor its guardian, in a PID namespace of our own.
nobody_left() {
    ! pgrep -f "^$SHIPCTL" >/dev/null
}

# app_identity: changes when somebody touches the container that serves.
app_identity() {
    docker inspect --type container --format '{{.Id}} {{.State.StartedAt}} {{.HostConfig.RestartPolicy.Name}}' \
        delivery-app 2>/dev/null || echo none
}

# may_be_down: nothing served before, or the exit code says that somebody has to look.
may_be_down() {
    ! has_old || [ "$MATRIX_CODE" = 30 ] || [ "$MATRIX_CODE" = 32 ]
}

# --- the answer of a command whose engine went wrong -----------------------------------------

# answered FAULT CODE: the exit code says what serves, and the message what to do.
answered() {
    case $2 in
    0) [ "$(serving)" = "$NEW" ] || wrong "exit code 0, but not the new version serves" ;;
    1[0-7]) [[ $1 == engine-* ]] || [ "$(app_identity)" = "$MATRIX_APP" ] || wrong "exit code $2, but the app was touched" ;;
    20) [ "$(serving)" = "$OLD" ] || wrong "exit code 20, but not the old version serves" ;;
    31) ! has_old || wrong "exit code 31, but there was a version to go back to" ;;
    30 | 32) [[ $1 == engine-* ]] || is_endless "$1" || wrong "exit code $2 after one fault" ;;
    *) wrong "exit code $2" ;;
    esac
    in_time "$2"
    [ "$2" = 0 ] || explained
}

# in_time CODE: no more than 2 s after its deadline, which MATRIX_LATE_MS tells from its end. What
# the machine was too busy for, as the kernel counts it, is no fault of the command.
in_time() {
    MATRIX_LATE_MS=$((MATRIX_MS - MATRIX_TOTAL_MS))
    # the way back, or what is owed after the commit
    [[ $1 != @(0|[23]?) ]] || MATRIX_LATE_MS=$((MATRIX_LATE_MS - MATRIX_TOTAL_MS))
    [ "$MATRIX_LATE_MS" -le $((2000 + MATRIX_STARVED_MS)) ] ||
        wrong "ended $MATRIX_LATE_MS ms after its deadline, $MATRIX_STARVED_MS ms of them starved"
}

explained() {
    grep -qE "error:? .*('|cannot )" "$MATRIX_DIR/said" || wrong "the message names no object"
    grep -qE "(^ *|Z )next:? .*(shipctl|docker|sudo)" "$MATRIX_DIR/said" || wrong "the message names no next command"
}

# --- at most one more command ----------------------------------------------------------------

operation_open() {
    "$SHIPCTL" status --json 2>/dev/null | jq -e '.operation != null' >/dev/null
}

# further GUARDIAN CALL: at most one more command, named in FURTHER: recover and the same again take turns.
further() {
    FURTHER=none
    if ! serves; then
        FURTHER=again
        [ "$1" = no ] || may_be_down || wrong "nothing serves without a further command"
    elif operation_open; then
        FURTHER=again
    fi
    [ "$FURTHER" = none ] || [ $(($2 % 2)) = 1 ] || ! has_old || FURTHER=recover
    case $FURTHER in
    again) "$SHIPCTL" "${COMMAND[@]}" >"$MATRIX_DIR/further" 2>&1 || true ;;
    recover) "$SHIPCTL" recover >"$MATRIX_DIR/further" 2>&1 || true ;;
    none) return 0 ;;
    esac
    grep -qE "died in step|left work behind|interrupted" "$MATRIX_DIR/further" || ! has_old ||
        wrong "the further command does not say what happened"
}

# --- what has to hold ------------------------------------------------------------------------

sound() {
    local version status now

    version=$(serving)
    status=$("$SHIPCTL" status --json 2>/dev/null) || wrong "status exits with an error"
    case $version in
    v1.0.0 | v1.0.1) ;;
    *) wrong "'$version' serves" ;;
    esac
    wrong_unless "the ledger has another version than '$version'" jq -e ".version == \"$version\" and .healthy" <<<"$status"
    wrong_unless "an operation is open" jq -e '.operation == null' <<<"$status"
    wrong_unless "drift: $(jq -c .drift <<<"$status")" jq -e '.drift == []' <<<"$status"
    now=$(docker ps -a --format '{{.Names}} {{.State}}' | paste -sd,)
    [ "$now" = "delivery-app running" ] || wrong "not one container: $now"
    now=$(docker network ls --format '{{.Name}}' | sort | paste -sd,)
    [ "$now" = bridge,delivery_default,host,none ] || wrong "networks: $now"
    now=$(strange_tags)
    [ -z "$now" ] || wrong "tags: $now"
    now=$(strange_files)
    [ -z "$now" ] || wrong "left over: $now"
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
