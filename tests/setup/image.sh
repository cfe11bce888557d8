# shellcheck shell=bash
# Writes images straight into the folder a registry serves: no docker build, no engine, no
# network.  The same input gives the same digests.
# Sourced, after lib.sh.  STORE is a registry's root directory; sums are plain hex.

image_time=2024-01-01T00:00:00Z

# store_path STORE: the folder of the registry's own layout.
store_path() {
    printf '%s/docker/registry/v2' "$1"
}

sha256_of() {
    local sum

    sum=$(sha256sum <"$1")
    printf '%s' "${sum%% *}"
}

# blob_add STORE FILE: moves the file into the store, prints its sum.
blob_add() {
    local sum dir

    sum=$(sha256_of "$2")
    dir=$(store_path "$1")/blobs/sha256/${sum:0:2}/$sum
    mkdir -p "$dir"
    mv -f "$2" "$dir/data"
    printf '%s' "$sum"
}

# layer_add STORE DIR: prints "DIFF_SUM BLOB_SUM BYTES" of the folder as a layer.
layer_add() {
    local tar=$1/layer.$BASHPID.tar diff size

    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$2" -cf "$tar" .
    diff=$(sha256_of "$tar")
    gzip -1 -n "$tar"
    size=$(stat -c %s "$tar.gz")
    printf '%s %s %s' "$diff" "$(blob_add "$1" "$tar.gz")" "$size"
}

# link_add FOLDER SUM: how a registry notes that a repository has a blob.
link_add() {
    mkdir -p "$1"
    printf 'sha256:%s' "$2" >"$1/link"
}

# manifest_add STORE REPOSITORY TAG FILE: stores a manifest and points the tag at it.
manifest_add() {
    local sum manifests
    manifests=$(store_path "$1")/repositories/$2/_manifests

    sum=$(blob_add "$1" "$4")
    link_add "$manifests/revisions/sha256/$sum" "$sum"
    link_add "$manifests/tags/$3/index/sha256/$sum" "$sum"
    link_add "$manifests/tags/$3/current" "$sum"
    printf '%s' "$sum"
}

# image_config ARCH RUN_CONFIG LAYER...: the image's configuration object.
image_config() {
    local arch=$1 run=$2
    shift 2

    jq -cn --arg arch "$arch" --arg time "$image_time" --argjson run "$run" '
        { architecture: $arch, os: "linux", created: $time, config: $run,
          rootfs: { type: "layers", diff_ids: [$ARGS.positional[] | "sha256:" + split(" ")[0]] },
          history: [$ARGS.positional[] | { created: $time, created_by: "shipctl tests" }] }
        ' --args -- "$@"
}

# image_manifest CONFIG_SUM CONFIG_BYTES LAYER...
image_manifest() {
    local sum=$1 size=$2
    shift 2

    jq -cn --arg sum "$sum" --argjson size "$size" '
        "application/vnd.docker." as $type |
        { schemaVersion: 2, mediaType: ($type + "distribution.manifest.v2+json"),
          config: { mediaType: ($type + "container.image.v1+json"), size: $size,
                    digest: ("sha256:" + $sum) },
          layers: [$ARGS.positional[] | split(" ") |
            { mediaType: ($type + "image.rootfs.diff.tar.gzip"), size: (.[2] | tonumber),
              digest: ("sha256:" + .[1]) }] }' --args -- "$@"
}

# image_put STORE REPOSITORY TAG ARCH RUN_CONFIG LAYER...: prints the manifest's sum.
image_put() {
    local store=$1 repository=$2 tag=$3 file=$1/image.$BASHPID links layer sum size
    links=$(store_path "$1")/repositories/$2/_layers/sha256

    image_config "$4" "$5" "${@:6}" >"$file"
    size=$(stat -c %s "$file")
    sum=$(blob_add "$store" "$file")
    link_add "$links/$sum" "$sum"
    for layer in "${@:6}"; do
        layer=${layer#* }
        link_add "$links/${layer% *}" "${layer% *}"
    done
    image_manifest "$sum" "$size" "${@:6}" >"$file"
    manifest_add "$store" "$repository" "$tag" "$file"
}

# list_put STORE REPOSITORY TAG ARCH SUM: a manifest list with this one platform.
list_put() {
    local file=$1/list.$BASHPID size
    size=$(stat -c %s "$(store_path "$1")/blobs/sha256/${5:0:2}/$5/data")

    jq -cn --arg arch "$4" --arg sum "$5" --argjson size "$size" '
        "application/vnd.docker.distribution.manifest" as $type |
        { schemaVersion: 2, mediaType: ($type + ".list.v2+json"),
          manifests: [{ mediaType: ($type + ".v2+json"), size: $size,
                        digest: ("sha256:" + $sum),
                        platform: { architecture: $arch, os: "linux" } }] }' >"$file"
    manifest_add "$1" "$2" "$3" "$file"
}

# --- root folders ----------------------------------------------------------------------------

# root_busybox ROOT: a shell and the usual tools.
root_busybox() {
    local applet

    mkdir -p "$1"/{bin,etc,tmp,run,var,root}
    chmod 1777 "$1/tmp"
    ln -sfn ../run "$1/var/run"
    cp /bin/busybox "$1/bin/busybox"
    for applet in $(/bin/busybox --list); do
        [ "$applet" = busybox ] || ln -sf busybox "$1/bin/$applet"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$1/etc/passwd"
    printf 'root:x:0:\n' >"$1/etc/group"
}

# root_user ROOT NAME ID
root_user() {
    printf '%s:x:%s:%s::/:/bin/sh\n' "$2" "$3" "$3" >>"$1/etc/passwd"
    printf '%s:x:%s:\n' "$2" "$3" >>"$1/etc/group"
}

# root_libraries STAGE ROOT FILE...: copies the shared libraries the files need.
root_libraries() {
    local stage=$1 root=$2 path lines
    shift 2

    path=$(find "$stage/usr/lib" "$stage/lib" -maxdepth 1 -name '*-linux-gnu*' 2>/dev/null |
        paste -sd:)
    lines=$(LD_LIBRARY_PATH=$path ldd "$@")
    ! grep -F 'not found' <<<"$lines" >&2 || return 1
    mkdir -p "$root/lib"
    awk '$2 == "=>" && $3 ~ "^/" { print $3 }' <<<"$lines" | sort -u |
        xargs -d '\n' cp -L -t "$root/lib"
    awk '$1 ~ "^/.*ld-linux" { print $1 }' <<<"$lines" | sort -u |
        while read -r loader; do install -D "$loader" "$root$loader"; done
}
