# shellcheck shell=bash
# What the setup scripts share: messages, waiting, the cache folder, Debian packages as files.
# Sourced.  Inputs: SHIPCTL_TEST_CACHE (default: the user's cache folder).

parts_say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

parts_die() {
    parts_say "$*"
    exit 1
}

# The folder for what is slow to get and safe to keep: downloads and built images.
parts_cache() {
    local dir=${SHIPCTL_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/shipctl-test}

    mkdir -p "$dir"
    printf '%s' "$dir"
}

# poll_until SECONDS COMMAND...: 0 as soon as the command succeeds, 1 when the time is over.
poll_until() {
    local limit=$((SECONDS + $1))
    shift

    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$limit" ] || return 1
        sleep 0.05
    done
}

# debs_fetch DIR PACKAGE...: downloads packages without installing them.
debs_fetch() {
    local dir=$1
    shift

    mkdir -p "$dir"
    (
        cd "$dir" || exit 1
        apt-get -qq -o APT::Sandbox::User=root download "$@" >fetch.log 2>&1 && exit 0
        apt-get -qq update >>fetch.log 2>&1
        apt-get -qq -o APT::Sandbox::User=root download "$@" >>fetch.log 2>&1 && exit 0
        cat fetch.log >&2
        exit 1
    )
}

# debs_unpack DIR ROOT: unpacks every package file of DIR below ROOT.
debs_unpack() {
    local deb

    mkdir -p "$2"
    for deb in "$1"/*.deb; do
        dpkg-deb -x "$deb" "$2"
    done
}

# The base address of the Debian mirror this host is configured for.
debian_mirror() {
    # shellcheck disable=SC2016 # apt expands these, not the shell
    apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
        awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }'
}
