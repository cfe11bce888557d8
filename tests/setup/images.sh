#!/bin/bash
# Builds every image the tests and the quickstart deploy, without docker build and without a
# registry to pull from, and prints the folder that holds them (DIR/store: a registry's root).
#
#   app, worker   our own static binary (tests/app); one tag per behaviour, see app_versions
#   postgres      PostgreSQL from Debian's packages, tag 14-alpine: what the compose file names
#   nginx         nginx from Debian's packages, tag alpine
#
# Inputs: SHIPCTL_TEST_CACHE; a change of the sources gives a new folder there.
# What can go wrong: no package mirror, no static libc, a library that Debian moved.
set -euo pipefail

setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/setup/lib.sh
. "$setup/lib.sh"
# shellcheck source=tests/setup/image.sh
. "$setup/image.sh"
# shellcheck source=tests/setup/app-image.sh
. "$setup/app-image.sh"

app_source=$setup/../app/app.c

# TAG, then the lines of its /app.conf.  v1.0.x are good and differ only in what they are.
app_versions() {
    cat <<'VERSIONS'
v1.0.0
v1.0.1
v1.0.2
v1.1.0-bad      APP_UNHEALTHY=1
v1.1.1-crash    APP_CRASH_AFTER_MS=1500
v1.1.2-exit     APP_CRASH_AFTER_MS=0 APP_EXIT_CODE=3
v1.1.3-errors   APP_LOG_ERROR=1
v1.1.4-slow     APP_SLOW_START_MS=5000
v1.1.5-oom      APP_MEMORY_MB=256 APP_MEMORY_AFTER_MS=500
v1.1.6-deaf     APP_IGNORE_TERM=1
v1.1.7-flap     APP_FLAP=1
v1.1.8-migrate  APP_MIGRATE_FAIL=1
VERSIONS
}

sources_sum() {
    cat "$app_source" "$setup"/{lib,image,app-image,images}.sh "$setup"/images/* | sha256sum | cut -c 1-12
}

# --- app and worker --------------------------------------------------------------------------

app_compile() {
    gcc -std=gnu11 -D_GNU_SOURCE -O2 -static -s -Wall -Wextra -o "$1" "$app_source" 2>"$1.log" ||
        { cat "$1.log" >&2 && return 1; }
}

put_versions() {
    local tag settings

    while read -r tag settings; do
        # shellcheck disable=SC2086 # settings are words
        app_put "$images" app "$tag" $settings
        # shellcheck disable=SC2086
        app_put "$images" worker "$tag" $settings
    done < <(app_versions)
    app_put "$images" app latest APP_VERSION_NAME=v1.0.0
}

# The same program with the other machine's number in its ELF head: exec format error.
put_foreign() {
    local arch=arm64 machine='\xb7\x00' root=$work/foreign layer sum
    [ "$native" != arm64 ] || { arch=amd64 machine='\x3e\x00'; }

    mkdir -p "$root/app"
    cp "$work/app" "$root/app/app"
    # shellcheck disable=SC2059 # the format is the two bytes
    printf "$machine" | dd of="$root/app/app" bs=1 seek=18 conv=notrunc status=none
    layer=$(layer_add "$store" "$root")
    sum=$(image_put "$store" app v1.2.0-arch "$arch" "$(app_run_config app)" "$layer")
    list_put "$store" app v1.2.1-archlist "$arch" "$sum"
}

build_app() {
    local root=$work/app-root

    app_compile "$work/app"
    root_busybox "$root"
    mkdir -p "$root/app/logs" "$root/app/config"
    cp "$work/app" "$root/app/app"
    layer_add "$store" "$root" >"$images/app-base"
    put_versions
    put_foreign
}

# --- postgres and nginx ----------------------------------------------------------------------

# package_closure PACKAGE...: the packages and the libraries they need, less what is on every
# Debian and what the images never load.
package_closure() {
    printf '%s\n' "$@"
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances -i "$@" | grep -E '^lib' | grep -vE \
        '^lib(c6|c-|gcc-s1|stdc|llvm|perl|debian|newt|slang|textwrap|nginx|elogind|pam-|.*-perl)' |
        sort -u
}

# server_stage PACKAGE...: prints the folder with the packages unpacked.
server_stage() {
    local stage=$work/stage-$1 debs
    debs=$(parts_cache)/debs-$1

    if [ ! -e "$debs/complete" ]; then
        # shellcheck disable=SC2046 # package names are words
        debs_fetch "$debs" $(package_closure "$@")
        : >"$debs/complete"
    fi
    debs_unpack "$debs" "$stage"
    printf '%s' "$stage"
}

# Programs and their shared files, without compilers' bitcode and the JIT.
postgres_files() {
    local stage=$1 root=$2 home=usr/lib/postgresql/15 zones=usr/share/zoneinfo

    mkdir -p "$root/$home" "$root/usr/share/postgresql" "$root/$zones/Etc"
    cp -a "$stage/$home/bin" "$stage/$home/lib" "$root/$home/"
    rm -rf "$root/$home/lib/bitcode" "$root/$home/lib"/llvmjit*
    cp -a "$stage/usr/share/postgresql/15" "$root/usr/share/postgresql/"
    rm -rf "$root/usr/share/postgresql/15/man"
    cp -a "$stage/$zones/Etc/UTC" "$stage/$zones/Etc/GMT" "$root/$zones/Etc/"
    ln -s Etc/UTC "$root/$zones/UTC"
    ln -s Etc/GMT "$root/$zones/GMT"
}

build_postgres() {
    local root=$work/postgres-root stage layer
    stage=$(server_stage postgresql-15 postgresql-client-15 tzdata)

    root_busybox "$root"
    root_user "$root" postgres 70
    postgres_files "$stage" "$root"
    root_libraries "$stage" "$root" "$root"/usr/lib/postgresql/15/bin/{postgres,psql,pg_dump,initdb}
    install -m 755 "$setup/images/postgres-entrypoint.sh" "$root/entrypoint.sh"
    layer=$(layer_add "$store" "$root")
    image_put "$store" postgres 14-alpine "$native" '{ "Entrypoint": ["/entrypoint.sh"],
        "Cmd": ["postgres"], "StopSignal": "SIGINT", "ExposedPorts": { "5432/tcp": {} },
        "Volumes": { "/var/lib/postgresql/data": {} },
        "Env": ["PATH=/usr/lib/postgresql/15/bin:/bin", "PGDATA=/var/lib/postgresql/data"] }' \
        "$layer"
}

build_nginx() {
    local root=$work/nginx-root stage layer
    stage=$(server_stage nginx)

    root_busybox "$root"
    root_user "$root" www-data 33
    root_user "$root" nobody 65534
    printf "nogroup:x:65534:\n" >>"$root/etc/group"
    mkdir -p "$root"/usr/{sbin,share/nginx/html} "$root/etc/nginx" "$root"/var/{log,lib}/nginx
    cp "$stage/usr/sbin/nginx" "$root/usr/sbin/nginx"
    ln -s /dev/stderr "$root/var/log/nginx/error.log"
    ln -s /dev/stdout "$root/var/log/nginx/access.log"
    cp "$setup/images/nginx.conf" "$root/etc/nginx/nginx.conf"
    echo 'nginx is here' >"$root/usr/share/nginx/html/index.html"
    root_libraries "$stage" "$root" "$root/usr/sbin/nginx"
    layer=$(layer_add "$store" "$root")
    image_put "$store" nginx alpine "$native" '{ "Cmd": ["nginx", "-g", "daemon off;"],
        "StopSignal": "SIGQUIT", "ExposedPorts": { "80/tcp": {} },
        "Env": ["PATH=/usr/sbin:/bin"] }' "$layer"
}

# --- all -------------------------------------------------------------------------------------

build_all() {
    local images=$1 store=$1/store

    mkdir -p "$store"
    parts_say "building the test images (once)"
    build_app
    build_postgres
    build_nginx
}

main() {
    local target
    target=$(parts_cache)/images-$(sources_sum)

    exec 9>"$(parts_cache)/images.lock"
    flock 9
    if [ ! -d "$target" ]; then
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        rm -rf "$target.tmp"
        build_all "$target.tmp" >/dev/null
        mv "$target.tmp" "$target"
        find "$(parts_cache)" -maxdepth 1 -name 'images-*' -mtime +7 -exec rm -rf {} +
    fi
    printf '%s' "$target"
}

main "$@"
