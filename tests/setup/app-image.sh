# shellcheck shell=bash
# One version of the test application as an image: the base layer all versions share, and a small
# layer with the version's own /app.conf.  Tests use it to publish versions of their own.
# Sourced, after lib.sh and image.sh.  IMAGES is a folder with store/ and app-base, as images.sh
# builds it.

native=$(dpkg --print-architecture)

# Bytes that do not compress and differ per version: pulls and prunes have something to count.
app_ballast() {
    local key
    key=$(printf '%s' "$1" | sha256sum | cut -c 1-64)

    head -c 262144 /dev/zero |
        openssl enc -aes-256-ctr -K "$key" -iv 00000000000000000000000000000000
}

# app_layer STORE TAG SETTING...: settings are KEY=VALUE; the first line of a name wins.
app_layer() {
    local store=$1 tag=$2 top
    shift 2

    top=$(mktemp -d)
    chmod 755 "$top"
    mkdir -p "$top/app"
    printf '%s\n' "$@" "APP_VERSION_NAME=$tag" >"$top/app.conf"
    app_ballast "$tag" >"$top/app/release.bin"
    layer_add "$store" "$top"
    rm -rf "$top"
}

# app_run_config ROLE
app_run_config() {
    jq -cn --arg role "$1" '{ Cmd: ["/app/app", "serve"], WorkingDir: "/app",
        Env: ["PATH=/app:/bin", "APP_ROLE=" + $role], ExposedPorts: { "8080/tcp": {} } }'
}

# app_put IMAGES REPOSITORY TAG SETTING...: prints the manifest's sum.
app_put() {
    local images=$1 repository=$2 tag=$3 layer
    shift 3

    layer=$(app_layer "$images/store" "$tag" "$@")
    image_put "$images/store" "$repository" "$tag" "$native" "$(app_run_config "$repository")" \
        "$(<"$images/app-base")" "$layer"
}
