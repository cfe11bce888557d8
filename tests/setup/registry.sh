# shellcheck shell=bash
# Two registries over one store: plain HTTP on 127.0.0.1:5000, and TLS with basic authentication
# on registry.test:5443, both with deletion enabled.
# Sourced, after lib.sh, inside the sandbox, which maps registry.test to an address outside
# 127.0.0.0/8: for loopback addresses dockerd would not verify the certificate.

REGISTRY_PLAIN=127.0.0.1:5000
REGISTRY_TLS=registry.test:5443
REGISTRY_USER=deployer
REGISTRY_PASSWORD=registry-canary-7f3a

# registry_certificates DIR: ca.crt, and tls.crt with tls.key signed by it.
registry_certificates() {
    local dir=$1 curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

    openssl req -x509 "${curve[@]}" -keyout "$dir/ca.key" -out "$dir/ca.crt" -days 30 \
        -subj '/CN=shipctl test authority' 2>/dev/null
    openssl req "${curve[@]}" -keyout "$dir/tls.key" -out "$dir/tls.csr" \
        -subj '/CN=registry.test' 2>/dev/null
    printf 'subjectAltName=DNS:registry.test,DNS:localhost,IP:127.0.0.1\n' >"$dir/san"
    openssl x509 -req -in "$dir/tls.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
        -days 30 -extfile "$dir/san" -out "$dir/tls.crt" 2>/dev/null
}

# registry_config STORE ADDRESS
registry_config() {
    cat <<CONFIG
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: "$1"}
  delete: {enabled: true}
http:
  addr: "$2"
CONFIG
}

# registry_config_private DIR: what the second registry has more.
registry_config_private() {
    cat <<CONFIG
  tls: {certificate: "$1/tls.crt", key: "$1/tls.key"}
auth:
  htpasswd: {realm: shipctl-test, path: "$1/htpasswd"}
CONFIG
}

# registry_run DIR NAME: starts the registry of DIR/NAME.yml.
registry_run() {
    docker-registry serve "$1/$2.yml" >>"$1/$2.log" 2>&1 </dev/null 3>&- &
    echo $! >"$1/$2.pid"
}

registry_answers() {
    curl -sSo /dev/null --max-time 2 "$@"
}

# registry_start DIR: serves DIR/store.
registry_start() {
    local dir=$1

    mkdir -p "$dir/store"
    registry_certificates "$dir"
    htpasswd -Bbn "$REGISTRY_USER" "$REGISTRY_PASSWORD" >"$dir/htpasswd"
    registry_config "$dir/store" "$REGISTRY_PLAIN" >"$dir/plain.yml"
    registry_config "$dir/store" ":${REGISTRY_TLS##*:}" >"$dir/private.yml"
    registry_config_private "$dir" >>"$dir/private.yml"
    registry_run "$dir" plain
    registry_run "$dir" private
    poll_until 10 registry_answers "http://$REGISTRY_PLAIN/v2/" &&
        poll_until 10 registry_answers --cacert "$dir/ca.crt" "https://$REGISTRY_TLS/v2/" && return
    cat "$dir"/*.log >&2
    parts_die "a registry did not answer within 10 s"
}

# registry_stop DIR NAME: NAME is plain or private.
registry_stop() {
    local pid

    pid=$(<"$1/$2.pid")
    kill "$pid"
    wait "$pid" 2>/dev/null || true
}
