#!/bin/bash
# The figures: builds a release, starts a private engine (tests/setup/sandbox.sh) and prints one
# table of ratios, each with its limit.
#
#   tests/bench/run.sh [ROUNDS]      default 20; what is compared is measured in turns
#
# Inputs: those of tests/setup/sandbox.sh; SHIPCTL_BENCH_BUILD (default build-bench).
# Exit code 0 only when every limit holds and nothing was left out.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$(dirname "$bench")")
build=${SHIPCTL_BENCH_BUILD:-$top/build-bench}
rounds=${1:-20}
deployments=10000
services=50

die() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

# --- outside the sandbox ---------------------------------------------------------------------

build_release() {
    cmake -S "$top" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
    cmake --build "$build" --target shipctl bench_bench_deploy bench_bench_first \
        bench_bench_cold bench_bench_library >/dev/null
}

# Compose of both generations; what cannot be had is named in the table.
find_compose() {
    local version

    for version in 2.26.1 2.40.3; do
        "$top/tests/setup/engine-debs.sh" compose "$version" 2>/dev/null && echo
    done || true
}

outside() {
    build_release
    SHIPCTL_BENCH_COMPOSE=$(find_compose | grep . | paste -sd:)
    export SHIPCTL_BENCH_COMPOSE
    exec "$top/tests/setup/sandbox.sh" "$bench/run.sh" --inside "$rounds"
}

# --- inside ----------------------------------------------------------------------------------

make_project() {
    mkdir -p "$1"
    cat >"$1/docker-compose.yml" <<EOF
name: proj
services:
  app:
    image: $SHIPCTL_TEST_REGISTRY/app:\${APP_VERSION:-v1.0.0}
    ports: ["127.0.0.1:8080:8080"]
    restart: always
EOF
    echo APP_VERSION=v1.0.0 >"$1/.env"
    cat >"$1/shipctl.yaml" <<EOF
version: 1
app: bench
image: $SHIPCTL_TEST_REGISTRY/app
pull: missing
strategy: {min_healthy: 0s}
checks:
  health: [{id: web, type: http, url: "http://127.0.0.1:8080/health"}]
EOF
}

# A project of as many services; every tenth waits for the one before it.
make_many() {
    local i

    mkdir -p "$1"
    {
        # shellcheck disable=SC2016 # the text of the file
        printf 'name: many\nservices:\n  app:\n    image: %s/app:${APP_VERSION:-v1.0.0}\n' \
            "$SHIPCTL_TEST_REGISTRY"
        for ((i = 1; i < services; i++)); do
            printf '  s%02d:\n    image: %s/app:v1.0.0\n' "$i" "$SHIPCTL_TEST_REGISTRY"
            [ $((i % 10)) -ne 0 ] || printf '    depends_on: [s%02d]\n' $((i - 1))
        done
    } >"$1/docker-compose.yml"
    echo APP_VERSION=v1.0.0 >"$1/.env"
    cat >"$1/shipctl.yaml" <<EOF
version: 1
app: many
image: $SHIPCTL_TEST_REGISTRY/app
services: {app: {}}
pull: missing
strategy: {min_healthy: 0s}
EOF
}

prepare() {
    local version

    make_project "$work/proj"
    export SHIPCTL_STATE_DIR=$work/state
    for version in v1.0.0 v1.0.1; do
        docker pull -q "$SHIPCTL_TEST_REGISTRY/app:$version" >/dev/null
    done
    (cd "$work/proj" && "$build/shipctl" -q deploy v1.0.0)
    # The long ledger comes after the first deployment, so that there is one that serves.
    rm -rf "$SHIPCTL_STATE_DIR"
    "$build/tests/bench/bench_library" ledger "$SHIPCTL_STATE_DIR" bench "$deployments"
    (cd "$work/proj" && "$build/shipctl" -q deploy v1.0.1)
}

measure() {
    local compose=()

    IFS=: read -ra compose <<<"${SHIPCTL_BENCH_COMPOSE:-}"
    printf '| what | measured | result | limit | |\n| --- | --- | --- | --- | --- |\n'
    "$build/tests/bench/bench_deploy" "$rounds" "$build/shipctl" "$work/proj" "${compose[@]}"
    make_many "$work/many"
    SHIPCTL_STATE_DIR=$work/many-state "$build/tests/bench/bench_first" $(((rounds + 3) / 4)) \
        "$build/shipctl" "$work/many" "$services" ${compose[1]:+"${compose[1]}"}
    "$build/tests/bench/bench_cold" "$rounds" "$build/shipctl" "$work/proj"
    "$build/tests/bench/bench_library" "$rounds"
    [ ${#compose[@]} -eq 2 ] || printf '| not run: %s of 2 Docker Compose | | | | MISS |\n' \
        $((2 - ${#compose[@]}))
}

inside() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    prepare
    printf 'dockerd %s, %s rounds, %s deployments in the ledger, %s processors, load %s\n\n' \
        "$(docker version --format '{{.Server.Version}}')" "$rounds" "$deployments" "$(nproc)" \
        "$(cut -d' ' -f1 /proc/loadavg)"
    measure | tee "$work/table"
    ! grep -q 'MISS' "$work/table"
}

case ${1:-} in
--inside) rounds=$2 && inside ;;
'' | [0-9]*) outside ;;
*) die "usage: tests/bench/run.sh [ROUNDS]" ;;
esac
