#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test has variables of its own
# Signals, cancelled jobs, terminals and readers that do not read, with a real engine.  What the
# scripted engine plays at every call (tests/component/test_signals.c) is played here once each.

setup_file() {
    load helpers
    engine_reset
    export SHIPCTL_STATE_DIR=$BATS_FILE_TMPDIR/state
    app_publish v6.0.0-stubborn APP_UNHEALTHY=1 APP_IGNORE_TERM=1
    project_small "$BATS_FILE_TMPDIR/delivery" 'stop_grace_period: 9s'
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    # never healthy: there is time to interrupt
    plan_checks . 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 25, interval: 200ms}]'
    "$SHIPCTL" deploy v1.0.0 --progress none
    cp -a . "$BATS_FILE_TMPDIR/good"
}

teardown_file() {
    load helpers
    engine_reset
}

setup() {
    load helpers
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    SAID=$BATS_TEST_TMPDIR/said ANSWER=$BATS_TEST_TMPDIR/answer
}

teardown() {
    find . -mindepth 1 -delete
    cp -a "$BATS_FILE_TMPDIR/good/." .
    http_says http://127.0.0.1:8080/version v1.0.0 || "$SHIPCTL" deploy v1.0.0 --force --progress none
}

# still_v1: v1.0.0 serves, alone, by the ledger too; nothing is left over and nobody holds the lock.
still_v1() {
    http_says http://127.0.0.1:8080/version v1.0.0
    assert_equal "$(docker ps -aq | wc -l)" 1
    container_is delivery-app .HostConfig.RestartPolicy.Name always
    nothing_left_over
    lock_is_free
    ship status --json
    assert_exit 0
    assert_equal "$(json .version)" v1.0.0
}

# A background job of a script ignores SIGINT; a command at a terminal does not.
default_signals() {
    exec env --default-signal=INT,HUP,TERM "$@"
}

# in_background ARGUMENT...: shipctl as a person starts it: $PID.
in_background() {
    default_signals "$SHIPCTL" "$@" --progress plain >"$ANSWER" 2>"$SAID" 3>&- &
    PID=$!
}

# until_it_says WORDS
until_it_says() {
    wait_for 20 grep -q "$1" "$SAID"
}

# until_in_hook: a_long_hook has begun.
until_in_hook() {
    wait_for 20 test -e started
}

# a_long_hook [COMMAND]: before the switch there is time, too.
a_long_hook() {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "%s touch started; while :; do sleep 0.2; done"]}]}\n' \
        "${1:-}" >>shipctl.yaml
}

# ends_within SECONDS PID
ends_within() {
    timeout "$1" tail --pid="$2" -s 0.05 -f /dev/null 3>&-
}

# guardian_is_done: what it had to do is done: the lock is free.
guardian_is_done() {
    wait_for 60 lock_is_free
    ship history --json
    assert_equal "$(json '.[0].outcome')" rolled_back
}

@test "Ctrl-C twice after the switch: exit 32 at once, the guardian brings v1.0.0 back" {
    in_background deploy v6.0.0-stubborn --json
    until_it_says wait-running
    kill -INT "$PID"
    until_it_says 'stopped by signal 2'
    sleep 0.6 # a signal that comes sooner counts as the same one
    kill -INT "$PID"
    ends_within 2 "$PID"
    exit_of "$PID" 32
    assert_contains "$(<"$SAID")" "signal 2"
    assert_contains "$(<"$SAID")" "guardian"
    assert_contains "$(<"$SAID")" "next: shipctl status"
    assert_equal "$(json '[.outcome, .exit_code] | join(" ")' "$(<"$ANSWER")")" "interrupted 32"
    ship deploy v1.0.1
    assert_exit 13
    assert_contains "$output" "in step 'recover'"
    [[ $output != *"(pid $PID)"* ]]
    guardian_is_done
    still_v1
}

@test "Ctrl-C twice before the switch, in a hook: exit 130 at once, the next command cleans up" {
    a_long_hook 'trap : TERM;'
    in_background deploy v1.0.1
    until_in_hook
    kill -INT "$PID"
    sleep 0.6
    kill -INT "$PID"
    ends_within 2 "$PID"
    exit_of "$PID" 130
    assert_contains "$(<"$SAID")" "what serves was not touched"
    ship recover
    assert_exit 0
    still_v1
}

@test "a job that CI cancels with INT, TERM and KILL: exit 32 before the KILL, the guardian finishes" {
    in_background deploy v6.0.0-stubborn
    until_it_says wait-running
    kill -INT "$PID"
    run ! ends_within 7.5 "$PID"
    kill -TERM "$PID"
    ends_within 2.5 "$PID"
    exit_of "$PID" 32
    guardian_is_done
    still_v1
}

# A runner signals the first process of a step; a shell does not pass that on.  In the end every
# process with the mark of the job is killed.
@test "a job whose shell keeps the signals to itself, and whose processes are killed by their mark" {
    local mark="RUNNER_TRACKING_ID=github_$BATS_TEST_NUMBER-$RANDOM" job pid
    # shellcheck disable=SC2016 # for the job's shell
    default_signals "$mark" bash -c '"$0" deploy v1.1.0-bad --progress plain; true' \
        "$SHIPCTL" >"$ANSWER" 2>"$SAID" 3>&- &
    job=$!
    until_it_says wait-running
    kill -INT "$job"
    kill -TERM "$job"
    ends_within 2 "$job"
    assert_equal "$(marked "$mark" | wc -l)" 1
    for pid in $(marked "$mark"); do
        kill -KILL "$pid"
    done
    guardian_is_done
    still_v1
}

# marked ENTRY: processes with this in their environment.
marked() {
    grep -lzxF -- "$1" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}

@test "Ctrl-C typed at a terminal: exit 20, and the terminal is as before" {
    local keys=$BATS_TEST_TMPDIR/keys
    mkfifo "$keys"
    default_signals script -qefc "trap : INT; stty -a >before; '$SHIPCTL' deploy v1.1.0-bad; echo status=\$?; stty -a >after" \
        "$SAID" <"$keys" >/dev/null 3>&- &
    PID=$!
    exec 7>"$keys"
    until_it_says wait-running
    printf '\003' >&7
    wait_for 30 grep -q 'status=' "$SAID"
    exec 7>&-
    wait "$PID" || true
    assert_contains "$(<"$SAID")" "status=20"
    assert_contains "$(<"$SAID")" "v1.1.0-bad was interrupted: v1.0.0 serves again"
    diff before after
    # nothing but colours and cleared or redrawn lines
    assert_equal "$(grep -aoP '\e(\[[0-9;?]*[^0-9;?mKA]|[^\[])' "$SAID" | cat -v)" ""
    rm before after
    still_v1
}

@test "a reader that does not read delays nothing: v1.0.1 serves, exit 0" {
    local full=$BATS_TEST_TMPDIR/full begin=$SECONDS
    mkfifo "$full"
    exec 7<>"$full"
    dd if=/dev/zero of="$full" bs=4096 count=64 oflag=nonblock 2>/dev/null || true
    "$SHIPCTL" deploy v1.0.1 --progress plain >"$full" 2>&1 3>&-
    exec 7>&-
    [ $((SECONDS - begin)) -le 40 ]
    http_says http://127.0.0.1:8080/version v1.0.1
    lock_is_free
}

@test "who comes second is refused within a second: by whom, process, version and step" {
    local begin took best=99999 command
    a_long_hook
    in_background deploy v1.0.1
    until_in_hook
    for command in "deploy v1.0.2" "rollback -y" "prune -y" recover; do
        begin=$(date +%s%3N)
        # shellcheck disable=SC2086 # words
        ship $command
        took=$(($(date +%s%3N) - begin))
        best=$((took < best ? took : best))
        assert_exit 13
        assert_contains "$output" "deploy v1.0.1 by $(id -un)"
        assert_contains "$output" "(pid $PID) is running since "
        assert_contains "$output" "in step 'pre_deploy'"
    done
    [ "$best" -le 1000 ] # of four: other tests may run beside this one
    kill -TERM "$PID"
    exit_of "$PID" 143
    still_v1
}
