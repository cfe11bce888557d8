#!/bin/bash
# From nothing to a rollback, on a real engine: the first command of the README.
#
#   examples/quickstart/run.sh           on Debian 12, as root; installs what is missing, builds
#                                        shipctl, and shows what it does
#   examples/quickstart/run.sh --shell   the same, then a shell in the project, to play
#
# The engine, the registry and the images are its own (tests/setup/sandbox.sh): a dockerd that
# runs on this machine is not touched, nothing is pulled from outside but Debian packages, and
# nothing is left behind but the packages, the build and a cache of built images.
# Input: SHIPCTL_BUILD, the folder to build in (default: build-release).
# It ends with 0 only if each command did what is said here.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${SHIPCTL_BUILD:-$top/build-release}

# --- talking ---------------------------------------------------------------------------------

bold='' plain=''
[ ! -t 1 ] || [ -n "${NO_COLOR:-}" ] || { bold=$'\033[1m' plain=$'\033[0m'; }

tell() {
    printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# words ARGUMENT...: the command line as one would type it.
words() {
    local word line=''

    for word in "$@"; do
        [[ $word != *[!A-Za-z0-9_./:=@-]* ]] || word="'$word'"
        line+=" $word"
    done
    printf '%s' "${line# }"
}

# expect STATUS COMMAND...: prints the command, runs it, and insists on the exit status.
expect() {
    local wanted=$1 status=0
    shift

    printf '%s$ %s%s\n' "$bold" "$(words "$@")" "$plain"
    "$@" || status=$?
    [ "$wanted" = 0 ] || printf '%s(exit status %s)%s\n' "$bold" "$status" "$plain"
    [ "$status" = "$wanted" ] || fail "'$*' ended with $status, expected $wanted"
}

fail() {
    printf '\nquickstart: %s\n' "$*" >&2
    exit 1
}

# serves VERSION: asks the application itself, through its port and through the proxy.
serves() {
    local url said

    for url in http://127.0.0.1:8080/version http://127.0.0.1/version; do
        said=$(curl -s --retry 5 --retry-all-errors --retry-delay 1 "$url")
        [ "$said" = "$1" ] || fail "$url says '$said', expected '$1'"
    done
    printf '%s$ curl http://127.0.0.1/version%s\n%s\n' "$bold" "$plain" "$said"
}

# --- inside the sandbox ----------------------------------------------------------------------

# The project as a user has it, with the images of the local registry.
make_project() {
    local registry=$SHIPCTL_TEST_REGISTRY

    mkdir -p "$1"/{logs,config}
    cp "$here/nginx.conf" "$1/"
    sed -e "s|registry.example.com/|$registry/|" -e "s|image: postgres:|image: $registry/postgres:|" \
        -e "s|image: nginx:|image: $registry/nginx:|" "$here/docker-compose.yml" \
        >"$1/docker-compose.yml"
    printf 'APP_VERSION=v1.0.0\nDB_PASSWORD=correct-horse\n' >"$1/.env"
    cd "$1"
}

show_plan() {
    tell 'A project as you have it: an application, PostgreSQL and nginx in one Compose file.'
    expect 0 cat docker-compose.yml
    tell 'shipctl needs a plan; it writes one from what it finds.'
    expect 0 shipctl init
    expect 0 cat shipctl.yaml
    tell 'Is everything in order? This changes nothing.'
    expect 0 shipctl check
    expect 4 shipctl status
}

show_deploy() {
    local before

    tell 'The first deployment creates network, volume, database and proxy as well.'
    expect 0 shipctl deploy v1.0.0
    serves v1.0.0
    expect 0 shipctl status
    tell 'A new version. Database and proxy are left alone.'
    expect 0 shipctl deploy v1.0.1 --reason 'quickstart'
    serves v1.0.1
    tell 'The version is in .env now, so Compose agrees and recreates nothing.'
    expect 0 grep APP_VERSION .env
    before=$(docker ps -q --no-trunc | sort)
    expect 0 docker compose up -d
    [ "$(docker ps -q --no-trunc | sort)" = "$before" ] || fail 'Compose recreated a container'
}

show_failure() {
    local id

    tell 'A version that never gets healthy. Its proof fails, and the old version comes back.'
    expect 20 shipctl deploy v1.1.0-bad
    serves v1.0.1
    tell 'What happened?'
    id=$(shipctl history --json -n 1 | jq -r '.[0].deployment')
    expect 0 shipctl history "$id"
}

show_rollback() {
    tell 'Back to an earlier version, its whole configuration included. No registry is needed.'
    expect 0 shipctl rollback --yes --reason 'just to show it'
    serves v1.0.0
    expect 0 shipctl history
    tell 'Images that no rollback needs can go.'
    expect 0 shipctl prune --dry-run
    expect 0 shipctl prune --yes
    expect 0 shipctl status
}

run_inside() {
    export PATH=$build:$PATH SHIPCTL_STATE_DIR=$SHIPCTL_SANDBOX/shipctl

    make_project "$SHIPCTL_SANDBOX/delivery"
    show_plan
    show_deploy
    show_failure
    show_rollback
    tell "All as promised, in $SECONDS s. The manual: man $top/man/shipctl.1"
    [ "${1:-}" != --shell ] || play
}

play() {
    tell 'A shell in the project; leave it with exit. Versions to try: v1.0.2, v1.1.1-crash,' \
        'v1.1.2-exit, v1.1.5-oom, v1.1.7-flap'
    bash --norc || true
}

# --- outside ---------------------------------------------------------------------------------

prepare() {
    [ "$(id -u)" = 0 ] || fail 'needs root, to install packages and to start an engine'
    tell 'Packages, the program and the images; the first time takes some minutes.'
    "$top/tests/setup/packages.sh" build run
    cmake --preset release -S "$top" -B "$build" >/dev/null
    cmake --build "$build" -j "$(nproc)" >"$build/build.log" 2>&1 ||
        { tail -n 30 "$build/build.log" >&2 && fail 'the build failed'; }
    expect 0 "$build/shipctl" --version
}

main() {
    case ${1:-} in
    --inside) shift && run_inside "$@" ;;
    '' | --shell)
        prepare
        "$top/tests/setup/sandbox.sh" "$here/run.sh" --inside "$@"
        ;;
    *) fail "unknown word '$1'; there is only --shell" ;;
    esac
}

main "$@"
