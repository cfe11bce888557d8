#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # the text of files; each test has variables of its own; bats sets stderr
# Secrets never appear: each value below holds the word "canary", the app, hooks and checks print
# all they have, and then nothing that shipctl showed or wrote holds the word, as it is or encoded.

setup_file() {
    load helpers
    engine_reset
    export SHIPCTL_STATE_DIR=$BATS_FILE_TMPDIR/state
    app_publish v1.3.0 APP_LOG_ENV=1
    app_publish v1.3.1 APP_LOG_ENV=1 APP_CRASH_AFTER_MS=0 APP_EXIT_CODE=3
    app_publish v1.3.2 APP_LOG_ENV=1 APP_UNHEALTHY=1
    project_small "$BATS_FILE_TMPDIR/delivery" 'env_file: [app.env]' 'secrets: [license]'
    cd "$BATS_FILE_TMPDIR/delivery" || return 1
    printf 'secrets: {license: {file: ./license}}\n' >>docker-compose.yml
    printf 'license-canary-first-line\nlicense-canary-second-line\n' >license
    cat >app.env <<'END'
DATABASE_URL=postgres://shop:url-canary-44d1%21@db/shop
API_TOKEN=token-canary-8be0"with\quotes
SESSION_KEY=session canary & more: 1f
END
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
    SEEN=$BATS_TEST_TMPDIR/seen
    mkdir "$SEEN"
}

teardown() {
    rm -f "$BATS_TEST_TMPDIR/watching"
    find . -mindepth 1 -delete
    cp -a "$BATS_FILE_TMPDIR/good/." .
    http_says http://127.0.0.1:8080/version v1.0.0 || "$SHIPCTL" deploy v1.0.0 --progress none
}

# --- helpers ---------------------------------------------------------------------------------

# watch_processes: the arguments of every process, until the test ends; see arguments_are_clean.
watch_processes() {
    local file

    touch "$BATS_TEST_TMPDIR/watching"
    while [ -e "$BATS_TEST_TMPDIR/watching" ]; do
        for file in /proc/[0-9]*/cmdline; do
            tr '\0' ' ' <"$file" && echo
        done >>"$SEEN/arguments" 2>/dev/null
        sleep 0.01
    done 3>&- &
}

# seen NAME ARGUMENT...: run shipctl and keep everything it says, also as a GitHub workflow, where
# it writes a summary.
seen() {
    touch "$SEEN/$1.summary" "$SEEN/$1.outputs"
    GITHUB_ACTIONS=${ACTIONS:-} GITHUB_STEP_SUMMARY=$SEEN/$1.summary GITHUB_OUTPUT=$SEEN/$1.outputs \
        CALLER_PASSWORD=caller-canary-c3c3 ship "${@:2}"
    printf '%s\n%s\n' "$output" "$stderr" >"$SEEN/$1.text"
}

# holds_canary: does standard input hold one, as it is, in base64 at any offset, or in hex?
holds_canary() {
    grep -aniE 'canary|Y2FuYXJ5|NhbmFye|jYW5hcn|63616e617279'
}

# ledger_texts: every value of the ledger but the specifications, which a rollback needs.
ledger_texts() {
    sqlite3 "$SHIPCTL_STATE_DIR/ledger.db" "update services set spec_json = ''" .dump
}

# nothing_leaked: in what shipctl said, in the ledger, in the other files of its state.
nothing_leaked() {
    local copy=$BATS_TEST_TMPDIR/copy

    rm -f "$BATS_TEST_TMPDIR/watching"
    cp -a "$SHIPCTL_STATE_DIR" "$copy"
    SHIPCTL_STATE_DIR=$copy ledger_texts >"$SEEN/ledger"
    rm "$copy"/ledger.db*
    cp -a "$copy" "$SEEN/state"
    [ "$(wc -c <"$SEEN/ledger")" -gt 1000 ]
    ! holds_canary < <(find "$SEEN" -type f -exec cat {} +) >&2 || return 1
}

# printed_by_the_app TAG: with this environment the image does print the secrets.
printed_by_the_app() {
    local log

    log=$(docker run --rm --env-file app.env --env-file .env "$SHIPCTL_TEST_REGISTRY/app:$1" /app/app serve || true)
    assert_contains "$log" "DB_PASSWORD=$PROJECT_DB_PASSWORD"
    assert_contains "$log" url-canary-44d1
    assert_contains "$log" token-canary-8be0
    assert_contains "$log" "session canary"
}

# all_questions: everything that reads.
all_questions() {
    local last

    last=$(sqlite3 "$SHIPCTL_STATE_DIR/ledger.db" 'select max(id) from deployments')
    seen status status
    seen status-json status --json
    seen history history
    seen history-json history --json
    seen show history "$last"
    seen show-json history "$last" --json
}

# --- the tests -------------------------------------------------------------------------------

@test "the test itself finds a canary in every form" {
    for text in a-canary "$(printf x-canary | base64)" "$(printf xx-canary | base64)" \
        "$(printf xxx-canary | base64)" "$(printf canary | od -An -tx1 | tr -d ' ')"; do
        holds_canary <<<"$text"
    done
    run ! holds_canary <<<"nothing"
}

@test "a good deployment with hooks and checks that print everything" {
    cat >>shipctl.yaml <<'END'
hooks:
  pre_deploy: [{command: [sh, -c, "cat .env app.env; base64 -w0 .env; od -An -tx1 app.env | tr -d ' \\n'"]}]
  migrate: [{run_image: new, command: [/app/app, env]}]
  post_deploy: [{exec: {service: app, command: [/app/app, env]}}]
END
    plan_checks . 'post: [{id: files, type: command, command: [sh, -c, "cat .env app.env license"]}]'
    watch_processes
    seen deploy deploy v1.3.0 --debug --verbose
    assert_exit 0
    assert_contains "$stderr" 'DB_PASSWORD=***'
    assert_contains "$stderr" 'DATABASE_URL=postgres://shop:***@db/shop'
    grep -q ' deploy v1.3.0' "$SEEN/arguments"
    log_has delivery-app "$PROJECT_DB_PASSWORD"
    all_questions
    nothing_leaked
}

@test "a version that prints its environment and exits: evidence, answer and ledger say *** instead" {
    watch_processes
    seen json deploy v1.3.1 --json --debug
    assert_exit 20
    assert_contains "$(json .evidence)" 'DB_PASSWORD=***'
    assert_contains "$(json .evidence)" 'DATABASE_URL=postgres://shop:***@db/shop'
    assert_contains "$(json .evidence)" 'API_TOKEN=***'
    assert_contains "$(json .evidence)" 'SESSION_KEY=***'
    assert_contains "$(json .evidence)" 'LOG_LEVEL=info'
    ACTIONS=true seen workflow deploy v1.3.1
    assert_exit 20
    assert_contains "$(<"$SEEN/workflow.summary")" v1.3.1
    all_questions
    printed_by_the_app v1.3.1
    nothing_leaked
}

@test "failing checks that show a body, a line of the log, an output" {
    cat >>shipctl.yaml <<'END'
checks:
  defaults: {retries: 1, timeout: 4s}
  health:
    - {id: body, type: http, url: "http://127.0.0.1:8080/env", json: {pointer: /a, equals: b}, required: false}
    - {id: line, type: log, service: app, deny: [DATABASE_URL, SESSION], required: false}
    - {id: program, type: command, command: [sh, -c, "tail -n 2 app.env; exit 1"], required: false}
    - {id: inside, type: exec, service: app, command: [/app/app, env, "1"], required: false}
    - {id: header, type: http, url: "http://127.0.0.1:8080/version", headers: {X-Api-Key: "${env:CALLER_PASSWORD}"}, header: {X-App-Version: v1.0.0}}
END
    printf '    - {id: file, type: command, command: [sh, -c, "echo $1; exit 1", sh, "${file:%s/key}"], required: false}\n' "$PWD" >>shipctl.yaml
    printf 'plan-file-canary\n' >key
    seen deploy deploy v1.3.0 --json
    assert_exit 20
    assert_contains "$output" 'DB_PASSWORD=***'
    assert_equal "$(json '[.checks[] | select(.status == "fail").id] | unique | join(" ")')" \
        "body file header inside line program"
    seen checks check health
    all_questions
    nothing_leaked
}

@test "a hook that prints and fails before the switch, and one on failure" {
    cat >>shipctl.yaml <<'END'
hooks:
  pre_deploy: [{command: [sh, -c, "cat app.env license; env; exit 3"]}]
  on_failure: [{command: [sh, -c, "env; cat .env"]}]
END
    watch_processes
    ACTIONS=true seen deploy deploy v1.3.0 --debug
    assert_exit 17
    assert_contains "$stderr" 'API_TOKEN=***'
    seen json deploy v1.3.0 --json
    assert_exit 17
    all_questions
    nothing_leaked
}

@test "a health check that tells why it fails" {
    sed -i 's|healthcheck: .*|healthcheck: {test: [CMD, /app/app, env, "1"], interval: 1s, retries: 2}|' docker-compose.yml
    seen json deploy v1.3.2 --json
    assert_exit 20
    assert_contains "$(json .evidence)" 'last health check'
    seen again deploy v1.3.2 --verbose
    all_questions
    nothing_leaked
}

@test "registry credentials, with a good and a missing image" {
    sed -i "s|$SHIPCTL_TEST_REGISTRY/app|$SHIPCTL_TEST_REGISTRY_TLS/app|" docker-compose.yml shipctl.yaml
    docker login -u "$SHIPCTL_TEST_REGISTRY_USER" --password-stdin "$SHIPCTL_TEST_REGISTRY_TLS" \
        <<<"$SHIPCTL_TEST_REGISTRY_PASSWORD" >/dev/null 2>&1
    watch_processes
    seen deploy deploy v1.0.1 --debug --verbose
    assert_exit 0
    seen missing deploy v9.9.9 --debug --verbose
    assert_exit 16
    docker logout "$SHIPCTL_TEST_REGISTRY_TLS" >/dev/null
    all_questions
    nothing_leaked
}

@test "files that do not load show no value" {
    sed -i 's|^    environment: .*|    environment: {DB_PASSWORD: [file-canary-0a]}|' docker-compose.yml
    seen compose deploy v1.3.0
    assert_exit 10
    assert_contains "$output" docker-compose.yml
    seen compose-json check lint --json
    seen init init --force
    cp "$BATS_FILE_TMPDIR/good/docker-compose.yml" .
    printf 'hooks: {pre_deploy: [{command: [x], api_token: plan-canary-11}]}\n' >>shipctl.yaml
    seen plan deploy v1.3.0
    assert_exit 10
    nothing_leaked
}

@test "the guardian that takes over after a kill" {
    plan_checks . 'health: [{id: web, type: http, url: "http://127.0.0.1:8080/health", retries: 100, interval: 500ms}]'
    "$SHIPCTL" deploy v1.3.2 --debug --progress plain >"$SEEN/killed" 2>&1 3>&- &
    local pid=$!
    wait_for 20 log_has delivery-app "v1.3.2 listening"
    log_has delivery-app "$PROJECT_DB_PASSWORD"
    kill -9 "$pid"
    wait "$pid" || true
    wait_for 60 lock_is_free
    http_says http://127.0.0.1:8080/version v1.0.0
    all_questions
    nothing_leaked
}

@test "no core dump, with --debug as well" {
    printf 'hooks: {pre_deploy: [{command: [sh, -c, "touch started; exec sleep 30"]}]}\n' >>shipctl.yaml
    "$SHIPCTL" deploy v1.3.0 --debug --progress none 3>&- &
    local pid=$!
    wait_for 10 test -e started
    grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
    kill "$pid"
    wait "$pid" || true
}
