#!/usr/bin/env bats
# The command line itself: help, usage errors, odd terminals, closed and full outputs.
# No test here needs the engine.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export SHIPCTL_STATE_DIR=$BATS_TEST_TMPDIR/state
    unset NO_COLOR CLICOLOR CLICOLOR_FORCE CI GITHUB_ACTIONS
}

# ship ARGUMENT...: the program; standard output in $out, standard error in $err, like `run`.
ship() {
    status=0
    "$SHIPCTL_BINARY" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null || status=$?
    out=$(cat "$BATS_TEST_TMPDIR/out") err=$(cat "$BATS_TEST_TMPDIR/err")
    output=$out$'\n'$err
}

# on_terminal COMMAND: a shell command line on a terminal of its own.
on_terminal() {
    run script -qec "$1" /dev/null
}

@test "help lists every command, each command explains itself with examples" {
    local command overview
    ship --help
    assert_exit 0
    assert_equal "$err" ''
    overview=$out
    for command in deploy rollback status history prune check recover init completion help version; do
        assert_contains "$overview" "  $command "
        ship "$command" --help
        assert_exit 0
        assert_contains "$out" "Usage: shipctl $command"
        assert_contains "$out" 'Examples:'
        ship help "$command"
        assert_exit 0
        assert_contains "$out" "Usage: shipctl $command"
    done
}

@test "the version is printed, with -v the libraries too" {
    local plain
    ship -V
    assert_exit 0
    plain=$out
    [[ $plain =~ ^shipctl\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    ship version
    assert_equal "$out" "$plain"
    ship -v -V
    assert_contains "$out" "$plain"
    assert_contains "$out" sqlite
}

@test "a file with many mistakes shows twenty of them, with positions, and how many more" {
    local i
    printf 'version: 1\napp: shop\nimage: registry.example.com/shop\n' >shipctl.yaml
    {
        printf "version: '3'\nservices:\n"
        for i in {1..10}; do
            printf '  s%d: {image: x, nope: 1, networks: [ghost], attach: true}\n' "$i"
        done
        # shellcheck disable=SC2016 # the text of the file
        printf '  last: {image: "registry.example.com/shop:${V:?say which}"}\n'
    } >docker-compose.yml
    ship check
    assert_exit 10
    assert_equal "$(grep -o 'docker-compose.yml:[0-9]*:[0-9]*' <<<"$err" | sort -u | wc -l)" 20
    assert_contains "$err" "unknown key 'nope' in 'services.s10'"
    assert_contains "$err" "network 'ghost'"
    assert_contains "$err" 'say which'
    assert_contains "$err" '12 more problems not shown'
}

@test "a usage error is one line and a hint, exit 2, nothing on standard output" {
    local line
    while read -r line; do
        # shellcheck disable=SC2086 # a command line
        ship $line
        assert_exit 2
        assert_equal "$out" ''
        assert_equal "$(wc -l <<<"$err")" 2
        assert_contains "$err" 'shipctl: error: '
        assert_contains "$err" '  next: shipctl '
    done <<'END'

dploy v1
deploy
deploy v1 v2
deploy --forc v1
deploy --dry v1
deploy --reason
deploy --json=1 v1
history -n 0
history --since tomorrow
history nine
history 3 --failed
history --head abc
rollback v1 --to 3
recover -n
status --watch --wait
check everything
completion tcsh
--color=pink status
-Z
END
}

@test "unknown words are answered with the nearest known one, never with a guess" {
    ship statsu
    assert_exit 2
    assert_contains "$err" "did you mean 'status'?"
    ship history --fialed
    assert_exit 2
    assert_contains "$err" "did you mean '--failed'?"
    ship --progress=tyt status
    assert_exit 2
    assert_contains "$err" "did you mean 'tty'?"
}

@test "with --json a usage error is an object, too" {
    ship --json dploy
    assert_exit 2
    assert_equal "$(json .outcome "$out")" refused
    assert_equal "$(json .exit_code "$out")" 2
    ship deploy --json
    assert_exit 2
    assert_equal "$(json .exit_code "$out")" 2
    assert_equal "$(json .action "$out")" deploy
}

@test "a missing plan is an error that says what to type" {
    ship deploy v1
    assert_exit 10
    assert_contains "$err" shipctl.yaml
    ship --json deploy v1
    assert_exit 10
    assert_equal "$(json .exit_code "$out")" 10
}

@test "an argument of 10,000 characters is quoted in short" {
    local long
    long=$(printf 'x%.0s' {1..10000})
    ship "$long"
    assert_exit 2
    [ "${#err}" -lt 400 ]
    ship deploy "--$long" v1
    assert_exit 2
    [ "${#err}" -lt 400 ]
    ship history --since "$long"
    assert_exit 2
    [ "${#err}" -lt 400 ]
}

@test "control sequences in arguments do not reach the terminal" {
    ship $'\e[31mdploy\e[0m'
    assert_exit 2
    [[ $output != *$'\e'* ]]
}

@test "closed descriptors do no harm" {
    "$SHIPCTL_BINARY" --help >&- 2>&- <&-
    "$SHIPCTL_BINARY" --version >&-
    # shellcheck disable=SC2016 # expanded by the inner shell
    run bash -c '"$SHIPCTL_BINARY" dploy 2>&-'
    assert_exit 2
    assert_equal "$output" ''
}

@test "a full disk is an error of a question" {
    status=0
    "$SHIPCTL_BINARY" --help >/dev/full 2>err || status=$?
    assert_exit 1
    assert_contains "$(cat err)" 'cannot write to standard output: No space left on device'
    status=0
    "$SHIPCTL_BINARY" dploy 2>/dev/full || status=$?
    assert_exit 2
}

@test "a reader that leaves early is no error" {
    status=0
    "$SHIPCTL_BINARY" help deploy 2>err > >(:) || status=$?
    assert_exit 0
    assert_equal "$(cat err)" ''
}

@test "colours appear on a terminal only, and not against the user's wish" {
    on_terminal "env TERM=xterm $SHIPCTL_BINARY dploy"
    assert_exit 2
    [[ $output == *$'\e['* ]]
    on_terminal "env TERM=dumb $SHIPCTL_BINARY dploy"
    [[ $output != *$'\e['* ]]
    on_terminal "env TERM=xterm NO_COLOR=1 $SHIPCTL_BINARY dploy"
    [[ $output != *$'\e['* ]]
    on_terminal "env TERM=xterm $SHIPCTL_BINARY --color=never deploy"
    [[ $output != *$'\e['* ]]
    ship dploy
    [[ $output != *$'\e['* ]]
    CLICOLOR_FORCE=1 ship dploy
    [[ $output == *$'\e['* ]]
}

@test "without a UTF-8 locale marks are ASCII" {
    LC_ALL=C ship history --verify
    run env LC_ALL=C grep '[^ -~]' "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err"
    assert_exit 1
}

@test "it runs without HOME, TERM and PATH, and with umask 0" {
    (
        umask 0
        run env -i "SHIPCTL_STATE_DIR=$SHIPCTL_STATE_DIR" "$SHIPCTL_BINARY" --version
        assert_exit 0
    )
}

@test "completion scripts are valid and offer subcommands" {
    bash -n <("$SHIPCTL_BINARY" completion bash)
    # shellcheck disable=SC2016 # expanded by the inner shell
    run bash -uc 'source <("$SHIPCTL_BINARY" completion bash)
        COMP_WORDS=(shipctl dep) COMP_CWORD=1
        _shipctl
        echo "${COMPREPLY[@]}"'
    assert_exit 0
    assert_equal "$output" deploy
    ship completion zsh
    assert_exit 0
    assert_contains "$out" '#compdef shipctl'
    ship completion fish
    assert_exit 0
    assert_contains "$out" 'complete -c shipctl'
}
