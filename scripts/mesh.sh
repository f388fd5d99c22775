# shellcheck shell=bash
# Sourced by the demo and the benchmarks: machines as network namespaces on one bridge, each running tunnelmesh.
# The bridge has a namespace of its own, so that nothing of the host's network is touched or seen.
# State lives in one folder; every process is ended by its own id, every namespace by its own name.
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

mesh_binary=${TUNNELMESH_BINARY:-$root/bin/tunnelmesh}
mesh_state=''
mesh_tag=''
# What runs here measures tunnels by TCP and UDP. Whoever wants the filter as users have it makes this empty, or configures one.
mesh_filter=$'filter:\n  default_deny: false'

# mesh_new NAME [FOLDER]: a new, empty underlay.
mesh_new() {
    [ "$(id -u)" -eq 0 ] || fail "needs root, for network namespaces and TUN devices."
    [ -c /dev/net/tun ] || fail "/dev/net/tun is missing: load the module with 'modprobe tun', or give the container the device."
    [ -x "$mesh_binary" ] || fail "$mesh_binary is missing: run 'make build'."
    mesh_state=${2:-$(mktemp -d "/tmp/tunnelmesh-$1.XXXXXX")}
    # The proxies of this machine are out of reach from these networks.
    unset HTTPS_PROXY https_proxy
    mkdir -p "$mesh_state"
    chmod 700 "$mesh_state"
    mesh_tag=tm$1$$
    printf '%s\n' "$mesh_tag" > "$mesh_state/tag"
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$mesh_state/token")
    mesh_add_namespace "$mesh_tag-net"
    ip -n "$mesh_tag-net" link add br0 type bridge
    ip -n "$mesh_tag-net" link set br0 up
}

# mesh_open FOLDER: an underlay that is already there.
mesh_open() {
    mesh_state=$1
    mesh_tag=$(cat "$mesh_state/tag")
}

mesh_add_namespace() {
    ip netns add "$1"
    printf '%s\n' "$1" >> "$mesh_state/namespaces"
    ip -n "$1" link set lo up
}

mesh_address() { cat "$mesh_state/$1/address"; }
mesh_log() { echo "$mesh_state/$1/log"; }
mesh_pid() { cat "$mesh_state/$1/pid"; }
mesh_home() { echo "$mesh_state/$1/home"; }
mesh_ip() { cat "$mesh_state/$1/ip"; }

# mesh_configure NAME LINE...: lines of the machine's configuration.
mesh_configure() {
    local name=$1
    shift
    printf '%s\n' "$@" >> "$mesh_state/$name/config.yaml"
}

# mesh_machine NAME NUMBER: a machine with 198.51.100.NUMBER and 2001:db8:51::NUMBER (ranges for documentation).
mesh_machine() {
    local name=$1 number=$2 namespace=$mesh_tag-$1
    mkdir -p "$mesh_state/$name/home"
    chmod 700 "$mesh_state/$name/home"
    echo "198.51.100.$number" > "$mesh_state/$name/address"
    mesh_add_namespace "$namespace"
    ip -n "$namespace" link add eth0 type veth peer name "port$number" netns "$mesh_tag-net"
    ip -n "$mesh_tag-net" link set "port$number" master br0 up
    ip -n "$namespace" address add "198.51.100.$number/24" dev eth0
    ip -n "$namespace" address add "2001:db8:51::$number/64" dev eth0 nodad
    ip -n "$namespace" link set eth0 up
    ip -n "$namespace" route add default via 198.51.100.254
}

# mesh_link NAME NAME LOSS_PERCENT DELAY_MS: the Ethernet ports of two machines give way to a long link that loses packets; addresses stay.
# A number written to $mesh_state/link.in decides from then on which packets are lost.
mesh_link() {
    local name device program=$root/bench/TunnelMesh.Bench/bin/Release/net10.0/TunnelMesh.Bench
    dotnet build "$root/bench/TunnelMesh.Bench" -nologo -v quiet -c Release > "$mesh_state/build.log" 2>&1 || fail "the link does not build: $(cat "$mesh_state/build.log")"
    mkfifo "$mesh_state/link.in"
    mkdir "$mesh_state/link"
    : > "$mesh_state/link/log"
    setsid ip netns exec "$mesh_tag-net" "$program" link "link-$1" "link-$2" "$3" "$4" <> "$mesh_state/link.in" > "$mesh_state/link/log" 2>&1 &
    echo $! > "$mesh_state/link/pid"
    disown
    for _ in $(seq 100); do
        grep -q 'is there' "$mesh_state/link/log" && break
        sleep 0.05
    done
    grep -q 'is there' "$mesh_state/link/log" || fail "no link: $(cat "$mesh_state/link/log")"
    for name in "$1" "$2"; do
        device=link-$name
        ip -n "$mesh_tag-$name" link set eth0 down
        ip -n "$mesh_tag-$name" address flush dev eth0
        ip -n "$mesh_tag-net" link set "$device" netns "$mesh_tag-$name"
        ip -n "$mesh_tag-$name" address add "$(mesh_address "$name")/24" dev "$device"
        ip -n "$mesh_tag-$name" link set "$device" up
    done
}

# mesh_in NAME COMMAND...: runs a command on that machine, with its TUNNELMESH_HOME.
mesh_in() {
    local name=$1
    shift
    TUNNELMESH_HOME=$mesh_state/$name/home ip netns exec "$mesh_tag-$name" "$@"
}

# mesh_exec NAME COMMAND...: the same in place of this shell. For the background: the id is the program's then, and who ends it leaves nothing behind.
mesh_exec() {
    local name=$1
    shift
    exec env "TUNNELMESH_HOME=$mesh_state/$name/home" ip netns exec "$mesh_tag-$name" "$@"
}

# mesh_join NAME [SERVER]: starts `tunnelmesh join` in the background. The token goes through the environment only.
# The coordinator's state belongs beside its home, not in /var/lib of this machine.
mesh_join() {
    local name=$1 home=$mesh_state/$1/home
    shift
    [ $# -gt 0 ] || grep -qs '^coordinator:' "$mesh_state/$name/config.yaml" || mesh_configure "$name" 'coordinator:' "  data_dir: $mesh_state/$name/data"
    [ -z "$mesh_filter" ] || grep -qs '^filter:' "$mesh_state/$name/config.yaml" || mesh_configure "$name" "$mesh_filter"
    local config=()
    [ ! -e "$mesh_state/$name/config.yaml" ] || config=(--config "$mesh_state/$name/config.yaml")
    : > "$mesh_state/$name/log"
    TUNNELMESH_HOME=$home TUNNELMESH_TOKEN=$(cat "$mesh_state/token") \
        setsid ip netns exec "$mesh_tag-$name" "$mesh_binary" join "$@" --name "$name" "${config[@]}" \
        > "$mesh_state/$name/log" 2>&1 < /dev/null &
    # `ip netns exec` replaces itself with the program: this id is the program's.
    echo $! > "$mesh_state/$name/pid"
    disown
}

# mesh_wait NAME SECONDS: waits for the line that says the machine is in the mesh, and keeps its mesh address.
mesh_wait() {
    local name=$1 deadline=$((SECONDS + $2)) address
    while :; do
        address=$(sed -n 's/.*Connected to mesh as [^ ]* (\([0-9.]*\)).*/\1/p' "$mesh_state/$name/log" | head -n 1)
        if [ -n "$address" ]; then
            echo "$address" > "$mesh_state/$name/ip"
            return 0
        fi
        if ! kill -0 "$(mesh_pid "$name")" 2>/dev/null; then
            cat "$mesh_state/$name/log" >&2
            fail "$name ended before it was connected; its output is above."
        fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            cat "$mesh_state/$name/log" >&2
            fail "$name was not connected after $2 s; its output is above."
        fi
        sleep 0.05
    done
}

# mesh_reach NAME TARGET: tries for ten seconds. A ping alone would end at the first answer that there is no way, which there may not be yet.
mesh_reach() {
    for _ in $(seq 50); do
        mesh_in "$1" ping -n -q -c 1 -W 1 "$2" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    fail "no way from $1 to $2; see $(mesh_log "$1")."
}

# mesh_ip6 NAME: the machine's IPv6 address inside the mesh.
mesh_ip6() { ip -n "$mesh_tag-$1" -6 -o address show scope global dev tun-mesh0 | awk '{sub("/.*", "", $4); print $4; exit}'; }

# mesh_status NAME FIELD: a number that `tunnelmesh status --json` shows.
mesh_status() { mesh_in "$1" "$mesh_binary" status --json | grep -o "\"$2\":[0-9]*" | cut -d : -f 2; }

# mesh_leave NAME: asks the program to end as a service manager would, and waits for it.
mesh_leave() {
    local pid
    pid=$(mesh_pid "$1")
    kill -TERM "$pid" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
}

# mesh_iperf FROM TO: the rate of one TCP stream over three seconds, through the mesh.
mesh_iperf() {
    local server rate=''
    mesh_exec "$2" iperf3 --server --one-off --bind "$(mesh_ip "$2")" > "$mesh_state/iperf-server.log" 2>&1 &
    server=$!
    for _ in $(seq 50); do
        # The server needs a moment to listen; nothing is sent until it does.
        if rate=$(mesh_in "$1" iperf3 --client "$(mesh_ip "$2")" --time 3 --format m 2> "$mesh_state/iperf-client.log" | awk '/receiver/ {print $7, $8}') && [ -n "$rate" ]; then break; fi
        sleep 0.1
    done
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    echo "${rate:-no result, see $mesh_state/iperf-client.log}"
}

# mesh_stop FOLDER: ends every process and namespace of an underlay, and removes its folder.
mesh_stop() {
    local state=$1 pidfile pid namespace
    for pidfile in "$state"/*/pid; do
        [ -e "$pidfile" ] || continue
        pid=$(cat "$pidfile")
        # Process ids are used again: only a tunnelmesh, or the link, is ended.
        if grep -qzi -- tunnelmesh "/proc/$pid/cmdline" 2>/dev/null; then
            kill -TERM "$pid" 2>/dev/null || true
        fi
    done
    for pidfile in "$state"/*/pid; do
        [ -e "$pidfile" ] || continue
        pid=$(cat "$pidfile")
        for _ in $(seq 100); do
            grep -qzi -- tunnelmesh "/proc/$pid/cmdline" 2>/dev/null || continue 2
            sleep 0.05
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    if [ -e "$state/namespaces" ]; then
        while IFS= read -r namespace; do
            # What was started there besides would go on in a namespace without a name.
            for pid in $(ip netns pids "$namespace" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
            ip netns delete "$namespace" 2>/dev/null || true
        done < "$state/namespaces"
    fi
    rm -rf "$state"
}
