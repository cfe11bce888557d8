# shellcheck shell=bash
# A private dockerd below one folder: its own data, sockets, containerd and cgroup.
# Sourced, after lib.sh; call it only inside the sandbox (sandbox.sh), whose network and mount
# namespaces keep docker0, published ports, /etc/docker and /run/containerd apart.
# Inputs: SHIPCTL_ENGINE_PATH (folders searched before PATH), SHIPCTL_CGROUP.
# What can go wrong: the engine does not come up: the end of its log is printed.

engine_socket() {
    printf '%s/docker.sock' "$1"
}

# engine_call DIR METHOD PATH: the answer's body; fails on an HTTP error or no answer.
engine_call() {
    curl -sSf --max-time 5 --unix-socket "$(engine_socket "$1")" -X "$2" "http://engine$3"
}

# overlay2 needs an upper folder that is not itself an overlay.
engine_storage_driver() {
    local try=$1/overlay-try driver=vfs

    mkdir -p "$try"/{lower,upper,work,merged}
    if mount -t overlay overlay -o "lowerdir=$try/lower,upperdir=$try/upper,workdir=$try/work" \
        "$try/merged" 2>/dev/null; then
        umount "$try/merged"
        driver=overlay2
    fi
    rm -rf "$try"
    printf '%s' "$driver"
}

engine_running() {
    engine_call "$1" GET /_ping
}

engine_pid() {
    cat "$1/docker.pid"
}

# engine_start DIR [DOCKERD OPTION...]: returns when the API answers.
engine_start() {
    local dir=$1
    shift

    mkdir -p "$dir"
    [ -s "$dir/storage-driver" ] || engine_storage_driver "$dir" >"$dir/storage-driver"
    PATH=${SHIPCTL_ENGINE_PATH:+$SHIPCTL_ENGINE_PATH:}$PATH:/usr/sbin:/sbin dockerd \
        --host "unix://$(engine_socket "$dir")" --data-root "$dir/data" --exec-root "$dir/exec" \
        --pidfile "$dir/docker.pid" --storage-driver "$(<"$dir/storage-driver")" \
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "${SHIPCTL_CGROUP:-/shipctl-test}" \
        --shutdown-timeout 2 "$@" >>"$dir/dockerd.log" 2>&1 </dev/null 3>&- &
    if ! poll_until 30 engine_running "$dir"; then
        tail -n 30 "$dir/dockerd.log" >&2
        parts_die "dockerd did not answer within 30 s"
    fi
}

engine_gone() {
    ! kill -0 "$1"
}

# engine_stop DIR [SIGNAL]: KILL leaves containers and containerd behind, as a crash does.
engine_stop() {
    local pid

    pid=$(engine_pid "$1")
    kill -s "${2:-TERM}" "$pid"
    poll_until 30 engine_gone "$pid" || parts_die "dockerd $pid did not stop within 30 s"
    [ "${2:-TERM}" != KILL ] || rm -f "$1/docker.pid"
}
