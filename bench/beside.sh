# shellcheck shell=bash
# Sourced by the benchmarks that measure tunnelmesh and wireguard-go side by side: a second tunnel between the machines of a mesh.
# shellcheck source=scripts/mesh.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/mesh.sh"
wireguard=$("$root/scripts/get-wireguard-go")
results=$(mktemp -d /tmp/tunnelmesh-bench.XXXXXX)
wireguard_pids=()

# beside_stop: ends both tunnels and removes the results.
beside_stop() {
    local pid
    for pid in "${wireguard_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    mesh_stop "$mesh_state"
    rm -rf "$results"
}

median() { sort -n "$1" | awk '{v[NR] = $1} END {if (NR == 0) print "-"; else if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

# wireguard_keys MACHINE: before either end is started.
wireguard_keys() {
    (umask 077 && wg genkey > "$results/$1.key")
    wg pubkey < "$results/$1.key" > "$results/$1.pub"
}

# wireguard_up MACHINE ADDRESS OTHER: a wireguard-go device that knows the other machine's key.
wireguard_up() {
    local name=$1 address=$2 other=$3 device=w${mesh_tag#tm}$1
    device=${device:0:15}
    WG_PROCESS_FOREGROUND=1 setsid ip netns exec "$mesh_tag-$name" "$wireguard" "$device" >/dev/null 2>&1 < /dev/null &
    wireguard_pids+=($!)
    disown
    for _ in $(seq 100); do
        ip -n "$mesh_tag-$name" link show "$device" >/dev/null 2>&1 && break
        sleep 0.05
    done
    mesh_in "$name" wg set "$device" listen-port 51820 private-key "$results/$name.key" \
        peer "$(cat "$results/$other.pub")" allowed-ips 0.0.0.0/0 endpoint "$(mesh_address "$other"):51820"
    ip -n "$mesh_tag-$name" address add "$address/24" dev "$device"
    ip -n "$mesh_tag-$name" link set "$device" mtu 1400 up
}

# beside_conditions WHAT: what every table begins with.
beside_conditions() {
    say "Conditions: $(uname -sr), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg), $(git -C "$root" rev-parse --short HEAD), wireguard-go $("$wireguard" --version 2>/dev/null | awk 'NR == 1 {print $2}'), $1"
    say
    say '| figure | tunnelmesh | wireguard-go | ratio |'
    say '|---|---|---|---|'
}

# beside_row TEXT NAME: the medians in the results NAME.tunnelmesh and NAME.wireguard-go, and their ratio.
beside_row() {
    local ours theirs
    ours=$(median "$results/$2.tunnelmesh") theirs=$(median "$results/$2.wireguard-go")
    say "| $1 | $ours | $theirs | $(awk -v a="$ours" -v b="$theirs" 'BEGIN {if (b > 0) printf "%.2f", a / b; else print "-"}') |"
}
