#!/bin/bash
# Runs a command beside a private dockerd and two registries, in network, mount and process
# namespaces of their own: nothing of the host is changed and two runs never meet.
#
#   sandbox.sh COMMAND...            a fresh sandbox for this command; its exit code
#   sandbox.sh --enter DIR COMMAND   one more command in the running sandbox of DIR
#
# Inputs: SHIPCTL_TEST_STATE  folder for engine, registry and logs (default: temporary, removed)
#         SHIPCTL_TEST_ENGINE 20.10 (the installed one), 26.1 or 28.5
#         SHIPCTL_TEST_COMPOSE 2.26.1 or 2.40.3
#         SHIPCTL_TEST_CACHE  where downloads and built images are kept
# The command sees DOCKER_HOST, DOCKER_CONFIG and the SHIPCTL_TEST_* variables of `sandbox_env`.
# When it ends, the kernel ends every process of the namespace: engine, registries, containers.
set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/setup/lib.sh
. "$setup/lib.sh"
# shellcheck source=tests/setup/engine.sh
. "$setup/engine.sh"
# shellcheck source=tests/setup/registry.sh
. "$setup/registry.sh"

# TEST-NET-1: an address that is not loopback, yet on no other machine.
registry_address=192.0.2.10

# --- outside ---------------------------------------------------------------------------------

remove_cgroups() {
    local path

    for path in /sys/fs/cgroup/"$1" /sys/fs/cgroup/*/"$1"; do
        [ ! -d "$path" ] || find "$path" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
}

cleanup() {
    remove_cgroups "${SHIPCTL_CGROUP#/}"
    rm -rf "$state/engine"
    [ "$keep" = yes ] || rm -rf "$state"
}

run_outside() {
    keep=${SHIPCTL_TEST_STATE:+yes}
    state=${SHIPCTL_TEST_STATE:-$(mktemp -d)}
    mkdir -p "$state"
    state=$(cd "$state" && pwd)
    [ ! -e "$state/init.pid" ] || ! kill -0 "$(<"$state/init.pid")" 2>/dev/null ||
        parts_die "a sandbox is already running in '$state'"
    rm -rf "$state/engine" "$state/init.pid" "$state/ready"
    SHIPCTL_TEST_IMAGES=$("$setup/images.sh")
    SHIPCTL_ENGINE_PATH=$("$setup/engine-debs.sh" engine "${SHIPCTL_TEST_ENGINE:-20.10}")
    SHIPCTL_COMPOSE_BIN=$("$setup/engine-debs.sh" compose "${SHIPCTL_TEST_COMPOSE:-2.26.1}")
    # For a sample with the newer release; a mirror that has moved on is no reason to test nothing.
    SHIPCTL_TEST_COMPOSE_NEWER=$("$setup/engine-debs.sh" compose 2.40.3) || SHIPCTL_TEST_COMPOSE_NEWER=
    SHIPCTL_CGROUP=/shipctl-test-$$
    export SHIPCTL_TEST_IMAGES SHIPCTL_ENGINE_PATH SHIPCTL_COMPOSE_BIN SHIPCTL_TEST_COMPOSE_NEWER SHIPCTL_CGROUP
    trap cleanup EXIT
    setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child \
        "$setup/sandbox.sh" --inside "$state" "$@"
}

# --- inside ----------------------------------------------------------------------------------

# What belongs to the machine (/etc/docker, /etc/hosts) is covered, not changed.
cover_host_files() {
    local state=$1 certs=$1/etc-docker/certs.d/$REGISTRY_TLS

    mkdir -p "$certs" /etc/docker /run/containerd
    mount --bind "$state/etc-docker" /etc/docker
    mount -t tmpfs tmpfs /run/containerd
    { cat /etc/hosts && printf '\n%s registry.test\n' "$registry_address"; } >"$state/hosts"
    mount --bind "$state/hosts" /etc/hosts
}

sandbox_network() {
    ip link set lo up
    ip address add "$registry_address/32" dev lo
}

sandbox_env() {
    local state=$1

    unset http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY
    export SHIPCTL_SANDBOX=$state
    export SHIPCTL_TEST_REGISTRY=$REGISTRY_PLAIN
    export SHIPCTL_TEST_REGISTRY_TLS=$REGISTRY_TLS
    export SHIPCTL_TEST_REGISTRY_USER=$REGISTRY_USER
    export SHIPCTL_TEST_REGISTRY_PASSWORD=$REGISTRY_PASSWORD
    export SHIPCTL_TEST_CA=$state/registry/ca.crt
    export DOCKER_CONFIG=$state/docker-config
    DOCKER_HOST=unix://$(engine_socket "$state/engine")
    export DOCKER_HOST
    export PATH=${SHIPCTL_ENGINE_PATH:+$SHIPCTL_ENGINE_PATH:}$PATH
}

# A store of our own: tests push, delete and damage.
start_registries() {
    local state=$1

    rm -rf "$state/registry"
    mkdir -p "$state/registry"
    cp -a "$SHIPCTL_TEST_IMAGES/." "$state/registry/"
    registry_start "$state/registry"
    cp "$state/registry/ca.crt" "$state/etc-docker/certs.d/$REGISTRY_TLS/ca.crt"
}

install_plugins() {
    mkdir -p "$1/docker-config/cli-plugins"
    ln -sf "$SHIPCTL_COMPOSE_BIN" "$1/docker-config/cli-plugins/docker-compose"
}

# The database and the proxy are on the machine already; versions of the app are pulled by tests.
preload_images() {
    docker pull -q "$REGISTRY_PLAIN/postgres:14-alpine" >/dev/null &
    docker pull -q "$REGISTRY_PLAIN/nginx:alpine" >/dev/null
    wait $!
}

run_inside() {
    local state=$1 init
    shift

    read -r init _ </proc/self/stat # still the host's view: --enter needs that number
    mount -t proc proc /proc
    echo "$init" >"$state/init.pid"
    cover_host_files "$state"
    sandbox_network
    sandbox_env "$state"
    install_plugins "$state"
    start_registries "$state"
    engine_start "$state/engine"
    preload_images
    export -p >"$state/env"
    : >"$state/ready"
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    "$@"
}

enter() {
    local state=$1
    shift

    poll_until 120 test -e "$state/ready" || parts_die "no sandbox is running in '$state'"
    # shellcheck disable=SC2016 # the inner shell expands these
    exec nsenter --target "$(<"$state/init.pid")" --net --mount --pid --wd="$PWD" \
        bash -c '. "$0/env" && "$@"' "$state" "$@"
}

main() {
    case ${1:-} in
    '') parts_die "usage: sandbox.sh COMMAND... | sandbox.sh --enter DIR COMMAND..." ;;
    --inside) shift && run_inside "$@" ;;
    --enter) shift && enter "$@" ;;
    *)
        [ -z "${SHIPCTL_SANDBOX:-}" ] || exec "$@"
        [ "$(id -u)" = 0 ] || parts_die "needs root for namespaces and dockerd"
        run_outside "$@"
        ;;
    esac
}

main "$@"
