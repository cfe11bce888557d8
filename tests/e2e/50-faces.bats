#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # bats sets output and stderr in subshells
# The faces of an operation: plain, json, github, none, and the answer as JSON; and each exit code
# of the contract with a way to reach it.  The file has one project with v1.0.0 deployed.

setup_file() {
    load helpers
    engine_reset
    export SHIPCTL_STATE_DIR=$BATS_FILE_TMPDIR/state
    project_small "$BATS_FILE_TMPDIR/delivery"
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
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
    unset CI GITHUB_ACTIONS GITHUB_OUTPUT GITHUB_STEP_SUMMARY RUNNER_DEBUG NO_COLOR
}

teardown() {
    find . -mindepth 1 -delete
    cp -a "$BATS_FILE_TMPDIR/good/." .
    http_says http://127.0.0.1:8080/version v1.0.0 || "$SHIPCTL" deploy v1.0.0 --progress none
}

# faces ARGUMENT...: the program; the answer in $out, progress in $err.
faces() {
    run --separate-stderr "$SHIPCTL" "$@"
    out=$output err=$stderr
}

# once_failing: a version that fails quickly after the switch.
once_failing() {
    plan_checks . 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 2, interval: 100ms}]'
}

# --- faces ---------------------------------------------------------------------------------------

@test "plain: every line begins with the time in UTC, no control characters, each step once" {
    faces deploy v1.0.1 --progress plain --force
    assert_exit 0
    assert_equal "$(grep -cvE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z ' <<<"$err" || true)" 0
    assert_equal "$(LC_ALL=C grep -c '[[:cntrl:]]' <<<"$err" || true)" 0
    assert_equal "$(sed -nE 's/^[^ ]+ (resolve|pull|switch|commit): done.*/\1/p' <<<"$err" | paste -sd' ')" "resolve pull switch commit"
    assert_contains "$out" "v1.0.1 serves"
}

@test "json: every line of the progress is one event, steps begin and end in order" {
    faces deploy v1.0.1 --progress json --force
    assert_exit 0
    jq -e . <<<"$err" >/dev/null
    assert_equal "$(jq -r 'select(.event | not) | 1' <<<"$err")" ""
    assert_equal "$(jq -rs '.[0].event + " " + .[-1].event' <<<"$err")" "operation_begin operation_end"
    assert_equal "$(jq -rs '[.[] | select(.event == "step_begin") | .step] == [.[] | select(.event == "step_end") | .step]' <<<"$err")" true
    jq -es 'all(.[]; .at | test("^20[0-9-]+T[0-9:]+Z$"))' <<<"$err" >/dev/null
    jq -es 'any(.[]; .event == "step_end" and .step == "switch" and .status == "done" and .duration_ms > 0)' <<<"$err" >/dev/null
}

@test "none: nothing but the answer; -q: nothing at all, errors excepted" {
    faces deploy v1.0.1 --progress none
    assert_exit 0
    assert_equal "$err" ""
    assert_contains "$out" "v1.0.1 serves"
    faces deploy v1.0.0 -q
    assert_exit 0
    assert_equal "$out$err" ""
    faces deploy v9.9.9 -q
    assert_exit 16
    assert_contains "$err" v9.9.9
}

@test "tty: steps are drawn and colours come only on a terminal" {
    run script -qec "env TERM=xterm-256color COLUMNS=80 '$SHIPCTL' deploy v1.0.1" /dev/null
    assert_exit 0
    [[ $output == *$'\e['* ]]
    assert_contains "$output" switch
    assert_contains "$output" "v1.0.1 serves"
}

@test "github: group, annotations, outputs, summary; foreign text stands between stop-commands" {
    once_failing
    printf 'hooks: {pre_deploy: [{command: [echo, "::error::injected by a hook"]}]}\n' >>shipctl.yaml
    export GITHUB_ACTIONS=true GITHUB_OUTPUT=$BATS_TEST_TMPDIR/outputs GITHUB_STEP_SUMMARY=$BATS_TEST_TMPDIR/summary
    : >"$GITHUB_OUTPUT"
    : >"$GITHUB_STEP_SUMMARY"
    faces deploy v1.1.0-bad -v
    assert_exit 20
    assert_equal "$(grep -c '^::group::' <<<"$err")" "$(grep -c '^::endgroup::' <<<"$err")"
    grep -q '^::error title=shipctl::.*503' <<<"$err"
    # No line that the runner would obey comes from the hook.
    grep -q 'injected by a hook' <<<"$err"
    assert_equal "$(grep -cE '^[[:space:]]*::error::injected' <<<"$(outside_of_stop_commands <<<"$err")" || true)" 0
    grep -qx 'outcome=rolled_back' "$GITHUB_OUTPUT"
    grep -qx 'exit_code=20' "$GITHUB_OUTPUT"
    grep -qx 'v1.1.0-bad' "$GITHUB_OUTPUT"
    grep -q '### shipctl deploy delivery: rolled_back' "$GITHUB_STEP_SUMMARY"
    grep -q '| to | v1.1.0-bad |' "$GITHUB_STEP_SUMMARY"
}

# outside_of_stop_commands: the lines the runner reads for commands.
outside_of_stop_commands() {
    awk '/^::stop-commands::/ { token = "::" substr($0, 18) "::"; next }
         token != "" { if ($0 == token) token = ""; next }
         { print }'
}

@test "github: files that cannot be written are a warning, not a failure" {
    GITHUB_ACTIONS=true GITHUB_OUTPUT=/nowhere/out GITHUB_STEP_SUMMARY=/nowhere/sum faces deploy v1.0.1
    assert_exit 0
    assert_contains "$err" "::warning title=shipctl::cannot write \$GITHUB_OUTPUT"
}

# --- one object on every outcome -----------------------------------------------------------------

# object CODE OUTCOME ARGUMENT...: exactly one object, whose fields are of the contract.
object() {
    ship "${@:3}" --json
    assert_exit "$1"
    json_is_one
    assert_equal "$(json .outcome)" "$2"
    assert_equal "$(json .exit_code)" "$1"
    jq -e 'has("schema") and has("deployment") and has("app") and has("environment") and has("action")
        and has("from") and has("to") and has("started_at") and has("finished_at") and has("duration_ms")
        and has("downtime_ms") and has("actor") and has("reason") and has("steps") and has("checks")
        and has("warnings") and has("error") and has("rollback")' <<<"$output" >/dev/null
    [ "$1" -eq 0 ] || json '.error.message | length > 0'
}

@test "--json prints exactly one object: done, nothing to do, refused" {
    object 0 succeeded deploy v1.0.1 --reason "so that"
    assert_equal "$(json .reason)" "so that"
    object 0 noop deploy v1.0.1
    object 0 succeeded rollback -y
    object 2 refused deploy
    object 2 refused deploy 'no tag'
    object 10 refused -f nowhere.yaml deploy v1
    object 16 refused deploy v9.9.9
    object 16 refused rollback v9.9.9 -y
    DOCKER_HOST=unix:///nowhere object 11 refused deploy v1.0.1
    object 0 succeeded check
}

@test "--json prints exactly one object: rolled back, and the lock is held" {
    once_failing
    object 20 rolled_back deploy v1.1.0-bad
    json '.checks | any(.id == "web" and .status == "fail" and .tries == 2)'
    json '.steps | any(.name == "rollback" and .status == "done")'
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "touch started; exec sleep 30"]}]}\n' >>shipctl.yaml
    "$SHIPCTL" deploy v1.0.1 --progress none --json >"$BATS_TEST_TMPDIR/answer" 3>&- &
    local pid=$!
    wait_for 20 test -e started
    object 13 refused deploy v1.0.2
    kill -TERM "$pid"
    exit_of "$pid" 143
    assert_equal "$(jq -r '[.outcome, .exit_code] | join(" ")' "$BATS_TEST_TMPDIR/answer")" "interrupted 143"
}

@test "--lock-wait waits for the other operation and then goes on" {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "touch started; exec sleep 1"]}]}\n' >>shipctl.yaml
    "$SHIPCTL" deploy v1.0.1 --progress none >/dev/null 3>&- &
    local pid=$!
    wait_for 20 test -e started
    ship deploy v1.0.2 --lock-wait 30s
    assert_exit 0
    exit_of "$pid" 0
    http_says http://127.0.0.1:8080/version v1.0.2
}

@test "on a terminal rollback asks; no is exit 12 and changes nothing" {
    deployed v1.0.1
    deployed v1.0.0
    local since
    since=$(engine_now)
    (sleep 0.5; echo n) | script -qec "$SHIPCTL rollback" /dev/null >"$BATS_TEST_TMPDIR/seen" && status=0 || status=$?
    assert_exit 12
    assert_contains "$(<"$BATS_TEST_TMPDIR/seen")" "[y/N]"
    assert_equal "$(engine_mutations "$since")" 0
}

# --- exit codes ----------------------------------------------------------------------------------

# Each code of the contract, and the file and words of a test that reaches it.
exit_codes() {
    cat <<'END'
0   20-deploy.bats     deploying what already runs changes nothing and exits 0
1   10-cli.bats        a full disk is an error of a question
2   10-cli.bats        a usage error is one line and a hint, exit 2
3   30-read.bats       a stopped app: exit 3
4   30-read.bats       never deployed: exit 4
10  40-bad-days.bats   a broken plan is refused
11  40-bad-days.bats   no socket, or no socket of an engine: exit 11
12  50-faces.bats      no is exit 12
13  20-deploy.bats     exit 13
14  30-read.bats       history --verify accepts the chain
15  40-bad-days.bats   too little room on the engine's disk: exit 15
16  20-deploy.bats     a tag that does not exist changes nothing: exit 16
17  60-checks.bats     a migration that fails leaves the old version
20  20-deploy.bats     a version that never gets healthy is rolled back
30  50-faces.bats      a way back that fails: exit 30
31  20-deploy.bats     nothing served before: exit 31
40  60-checks.bats     --strict makes 40 of it
100 20-deploy.bats     a dry run says what would be done and does nothing
129 40-bad-days.bats   exit 129
130 40-bad-days.bats   exit 130
141 40-bad-days.bats   exit 141
143 20-deploy.bats     exit 143
END
}

@test "each exit code of the manual has a test that reaches it" {
    local code file words
    while read -r code file words; do
        grep -F '@test' "$E2E_DIR/$file" | grep -qF -- "$words" || {
            echo "no test '$words' in $file for exit code $code" >&2
            return 1
        }
    done < <(exit_codes)
    # 32: the guardian or the next command always finishes; 33: no strategy pauses in this version.
    assert_equal "$(sed -n 's/^\.It \([0-9][0-9]*\)$/\1/p' "$E2E_DIR/../../man/shipctl.1" | sort -n | paste -sd' ')" \
        "$( (exit_codes | awk '$1 < 129 { print $1 }' && printf '32\n33\n') | sort -n | paste -sd' ')"
}

@test "a way back that fails: exit 30, the parked container is named; recover brings it to its end" {
    once_failing
    sed -i 's/^checks:/timeouts: {rollback: 3s}\nchecks:/' shipctl.yaml
    touch config/unhealthy # the old version does not prove itself either
    ship deploy v1.0.1 --json
    assert_exit 30
    assert_equal "$(json .outcome)" failed
    assert_contains "$(json .error.message)" "rollback to v1.0.0 failed"
    assert_contains "$(json .error.hint)" "shipctl recover"
    ship recover
    assert_exit 30
    rm config/unhealthy
    ship recover
    assert_exit 0
    http_says http://127.0.0.1:8080/version v1.0.0
    nothing_left_over
}
