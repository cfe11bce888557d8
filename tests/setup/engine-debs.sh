#!/bin/bash
# Engines and Compose plugins that Debian 12 does not have, unpacked from the packages of newer
# releases beside the system and kept in the cache.  Nothing is installed; runc stays Debian 12's
# (the newer one needs a newer libseccomp).
#
#   engine-debs.sh engine 20.10|26.1|28.5     prints the folders to put before PATH (20.10: none)
#   engine-debs.sh compose 2.26.1|2.40.3      prints the path of the docker-compose binary
#
# The mirror is the one the host's own apt sources name.  What can go wrong: the mirror does not
# carry the newer release, or unstable has moved on to another version: the error says which.
set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/setup/lib.sh
. "$setup/lib.sh"

suite_of() {
    case $1 in
    26.1 | 2.26.1) echo trixie ;;
    28.5 | 2.40.3) echo sid ;;
    *) parts_die "unknown version '$1'" ;;
    esac
}

# apt_beside SUITE APT-GET-ARGUMENT...: apt-get with its own lists and the given release only.
apt_beside() {
    local base suite=$1
    shift

    base=$(parts_cache)/apt-$suite
    mkdir -p "$base/lists/partial" "$base/cache/archives/partial" "$base/debs"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$(debian_mirror)" "$suite" >"$base/sources.list"
    : >"$base/status"
    (cd "$base/debs" && apt-get -qq -o Dir::Etc::SourceList="$base/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null \
        -o Dir::Etc::PreferencesParts=/dev/null -o Dir::State::Lists="$base/lists" \
        -o Dir::State::Status="$base/status" -o Dir::Cache="$base/cache" \
        -o APT::Sandbox::User=root "$@" >&2)
}

# unpack_from SUITE TARGET PACKAGE...: unpacks the packages below TARGET, all or nothing.
unpack_from() {
    local suite=$1 target=$2 debs
    shift 2

    debs=$(parts_cache)/apt-$suite/debs
    parts_say "downloading $* from Debian $suite"
    apt_beside "$suite" update
    rm -f "$debs"/*.deb
    apt_beside "$suite" download "$@"
    rm -rf "$target.tmp"
    debs_unpack "$debs" "$target.tmp"
    rm -f "$debs"/*.deb
    mv "$target.tmp" "$target"
}

engine_folders() {
    local root=$1

    printf '%s/usr/bin:%s/usr/sbin:%s/usr/libexec/docker' "$root" "$root" "$root"
}

engine_install() {
    local version=$1 root

    [ "$version" != 20.10 ] || return 0
    root=$(parts_cache)/engine-$version
    [ -d "$root" ] ||
        unpack_from "$(suite_of "$version")" "$root" docker.io docker-cli containerd
    "$root/usr/sbin/dockerd" --version | grep -qF "version $version" ||
        parts_die "$("$root/usr/sbin/dockerd" --version) is not $version"
    engine_folders "$root"
}

compose_binary() {
    find "$1" -type f -name docker-compose -path '*bin*' -o -type f -name docker-compose \
        -path '*cli-plugins*' | head -n 1
}

compose_install() {
    local version=$1 root binary

    root=$(parts_cache)/compose-$version
    [ -d "$root" ] || unpack_from "$(suite_of "$version")" "$root" docker-compose
    binary=$(compose_binary "$root")
    "$binary" version --short | grep -qF "$version" ||
        parts_die "docker-compose $("$binary" version --short) is not $version"
    printf '%s' "$binary"
}

main() {
    exec 9>"$(parts_cache)/engine-debs.lock"
    flock 9
    case ${1:-} in
    engine) engine_install "$2" ;;
    compose) compose_install "$2" ;;
    *) parts_die "usage: engine-debs.sh engine VERSION | compose VERSION" ;;
    esac
}

main "$@"
