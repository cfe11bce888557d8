#!/bin/bash
# Installs what is missing of the package groups named: build, run, test.
# Works on a fresh Debian 12 as root; says nothing when nothing is missing.
# What can go wrong: no root, no mirror, an apt index older than the mirror (updated once).
set -euo pipefail

group_packages() {
    case $1 in
    build)
        echo gcc libc6-dev cmake ninja-build pkg-config libcurl4-openssl-dev libcjson-dev \
            libyaml-dev libsqlite3-dev libssl-dev
        ;;
    run)
        echo docker.io docker-registry busybox-static jq curl openssl iproute2 iptables \
            util-linux ca-certificates apache2-utils debian-archive-keyring xz-utils
        ;;
    test)
        echo libcmocka-dev bats clang clang-14 clang-format clang-tidy cppcheck shellcheck \
            mandoc codespell sqlite3 strace file procps git
        ;;
    *)
        echo "packages.sh: unknown group '$1': build, run, test" >&2
        return 2
        ;;
    esac
}

installed() {
    local state

    # shellcheck disable=SC2016 # dpkg-query expands this, not the shell
    state=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) || return 1
    [ "$state" = installed ]
}

# Packages that bring a service must not start it: the tests run their own.
forbid_services() {
    [ ! -e /usr/sbin/policy-rc.d ] || return 0
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 \
        install --no-install-recommends "$@" >"$log" 2>&1
}

# A registry nobody asked for must not appear at the next boot either.
disable_registry() {
    if command -v systemctl >/dev/null; then
        systemctl disable docker-registry >/dev/null 2>&1 || true
    fi
}

install_missing() {
    echo "packages.sh: installing $*" >&2
    forbid_services
    if ! apt_install "$@"; then
        apt-get -qq update >&2
        apt_install "$@" || { cat "$log" >&2 && return 1; }
    fi
    case " $* " in *" docker-registry "*) disable_registry ;; esac
}

main() {
    local group package wanted missing=()

    for group in "$@"; do
        wanted=$(group_packages "$group")
        for package in $wanted; do
            installed "$package" || missing+=("$package")
        done
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || { echo "packages.sh: needs root to install ${missing[*]}" >&2 && return 1; }
    log=$(mktemp)
    install_missing "${missing[@]}"
    rm -f "$log"
}

main "$@"
