# shellcheck shell=bash
# Sourced by the benchmarks: tunnels of several kinds, each between two machines, under one set of names; and what is measured through them.
# shellcheck source=scripts/mesh.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/mesh.sh"
results=$(mktemp -d /tmp/tunnelmesh-bench.XXXXXX)
# The machines of each system, and the address of the second one inside the tunnel.
declare -A from=() to=() target=()
tunnel_pids=()
machines=0

tunnels_stop() {
    local pid
    for pid in "${tunnel_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    mesh_stop "$mesh_state"
    rm -rf "$results"
}

median() { sort -n "$1" | awk '{v[NR] = $1} END {if (NR == 0) print "-"; else if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

# conditions WHAT: what every table begins with.
conditions() {
    say "Conditions: $(uname -sr), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg), $(git -C "$root" rev-parse --short HEAD)${wireguard:+, wireguard-go $("$wireguard" --version 2>/dev/null | awk 'NR == 1 {print $2}')}${nebula:+, nebula $("$nebula" -version | awk '{print $2}')}, $1"
    say
}

# table_head: the head of a table of all systems; table_row TEXT NAME: the medians in the results NAME.SYSTEM, and the ratios of the first to each.
table_head() {
    local header='| figure |' line='|---|' system
    for system in "${systems[@]}"; do
        header+=" $system |" line+='---|'
        [ "$system" = "${systems[0]}" ] || header+=" ratio |" line+='---|'
    done
    say "$header"
    say "$line"
}

table_row() {
    local first value system text="| $1 |"
    [ -e "$results/$2.${systems[0]}" ] || return 0
    first=$(median "$results/$2.${systems[0]}")
    for system in "${systems[@]}"; do
        value=$(median "$results/$2.$system")
        text+=" $value |"
        [ "$system" = "${systems[0]}" ] || text+=" $(awk -v a="$first" -v b="$value" 'BEGIN {if (b > 0) printf "%.2f", a / b; else print "-"}') |"
    done
    say "$text"
}

# machine NAME: a new machine.
machine() {
    machines=$((machines + 1))
    mesh_machine "$1" "$machines"
}

# pair SYSTEM: two new machines for it.
pair() {
    machine "$1-a"
    machine "$1-b"
    from[$1]=$1-a to[$1]=$1-b
}

# mesh_pair SYSTEM SERVER LINE...: two machines in the mesh, with lines of configuration.
mesh_pair() {
    local system=$1 server=$2 name
    shift 2
    pair "$system"
    for name in "${from[$system]}" "${to[$system]}"; do
        [ $# -eq 0 ] || mesh_configure "$name" "$@"
        [ "$system" != outside6 ] || ip -n "$mesh_tag-$name" -4 address flush dev eth0
        mesh_join "$name" "$server"
        mesh_wait "$name" 30
    done
    target[$system]=$(mesh_ip "${to[$system]}")
}

# wireguard_up MACHINE ADDRESS OTHER: a wireguard-go device that knows the other machine's key.
wireguard_up() {
    # A name of its own: the control sockets of all of them lie in one folder of this machine.
    local name=$1 address=$2 other=$3 device=wb$$${1##*-}
    WG_PROCESS_FOREGROUND=1 setsid ip netns exec "$mesh_tag-$name" "$wireguard" "$device" >/dev/null 2>&1 < /dev/null &
    echo $! > "$results/$name.pid"
    tunnel_pids+=($!)
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

# wireguard_between A B: a wireguard-go tunnel between two machines, 10.77.0.1 and 10.77.0.2.
wireguard_between() {
    local name
    wireguard=$("$root/scripts/get-anchor" wireguard-go)
    for name in "$1" "$2"; do
        (umask 077 && wg genkey > "$results/$name.key")
        wg pubkey < "$results/$name.key" > "$results/$name.pub"
    done
    wireguard_up "$1" 10.77.0.1 "$2"
    wireguard_up "$2" 10.77.0.2 "$1"
    target[wireguard-go]=10.77.0.2
}

wireguard_pair() {
    pair wireguard-go
    wireguard_between wireguard-go-a wireguard-go-b
}

nebula_pair() {
    local name number=0 folder=$results/nebula
    nebula=$("$root/scripts/get-anchor" nebula)
    pair nebula
    mkdir -m 700 "$folder"
    (cd "$folder" && "${nebula}-cert" ca -name bench)
    for name in nebula-a nebula-b; do
        number=$((number + 1))
        (cd "$folder" && "${nebula}-cert" sign -name "$name" -ip "10.78.0.$number/24")
        cat > "$folder/$name.yaml" <<YAML
pki: {ca: $folder/ca.crt, cert: $folder/$name.crt, key: $folder/$name.key}
static_host_map:
  10.78.0.1: ["$(mesh_address nebula-a):4242"]
  10.78.0.2: ["$(mesh_address nebula-b):4242"]
lighthouse: {am_lighthouse: false}
listen: {host: 0.0.0.0, port: 4242}
cipher: chachapoly
tun: {dev: nebula0, mtu: 1400}
firewall:
  outbound: [{port: any, proto: any, host: any}]
  inbound: [{port: any, proto: any, host: any}]
YAML
        setsid ip netns exec "$mesh_tag-$name" "$nebula" -config "$folder/$name.yaml" > "$results/$name.log" 2>&1 < /dev/null &
        echo $! > "$results/$name.pid"
        tunnel_pids+=($!)
        disown
    done
    target[nebula]=10.78.0.2
}

# iperf SYSTEM OPTIONS...: the receiver's rate in Mbit/s.
iperf() {
    local system=$1 server rate=''
    shift
    mesh_exec "${to[$system]}" iperf3 --server --one-off > "$results/server.log" 2>&1 &
    server=$!
    for _ in $(seq 50); do
        if rate=$(mesh_in "${from[$system]}" iperf3 --client "${target[$system]}" --time "$each" --format m "$@" 2>/dev/null | awk '/SUM.*receiver/ {sum = $6} /receiver/ {last = $7} END {print sum ? sum : last}') && [ -n "$rate" ]; then break; fi
        sleep 0.1
    done
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    echo "${rate:-0}"
}

# udp SYSTEM RATE BYTES OPTIONS...: "delivered lost total" of the receiver, in datagrams. The sender's rate means nothing.
udp() {
    local system=$1 rate=$2 bytes=$3 server counts=''
    shift 3
    mesh_exec "${to[$system]}" iperf3 --server --one-off > "$results/server.log" 2>&1 &
    server=$!
    for _ in $(seq 50); do
        if counts=$(mesh_in "${from[$system]}" iperf3 --client "${target[$system]}" --time "$each" --udp --bitrate "$rate" --length "$bytes" "$@" 2>/dev/null |
            awk '/receiver/ {for (i = 1; i <= NF; i++) if ($i ~ /^-?[0-9]+\/[0-9]+$/) {split($i, n, "/"); print n[2] - n[1], n[1], n[2]}}') && [ -n "$counts" ]; then break; fi
        sleep 0.1
    done
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    echo "${counts:-0 0 0}"
}

small_packets() { udp "$1" 0 64 | awk -v t="$each" '{print int($1 / t)}'; }

# The greatest rate at which fewer than one datagram in a thousand is lost, by halving; Mbit/s of 1372-byte datagrams, which make packets of 1400 bytes.
# The programs' own sockets hold as much as the system lets them: with the default of 208 KiB it is the receiving program that loses, long before any tunnel.
# A rate counts when one of two attempts holds it: a hiccup of the machine would decide else.
loss_free() {
    local low=0 high=6000 middle window got
    window=$(sort -n /proc/sys/net/core/rmem_max /proc/sys/net/core/wmem_max | head -n 1)
    for _ in 1 2 3 4 5 6 7; do
        middle=$(((low + high) / 2)) got=0
        for _ in 1 2; do
            got=$(udp "$1" "${middle}M" 1372 --window "$window" | awk -v t="$each" '{print ($3 > 0 && $2 * 1000 < $3 ? int($1 * 1372 * 8 / t / 1e6) : 0)}')
            [ "$got" = 0 ] || break
        done
        if [ "$got" -gt "$low" ]; then
            low=$got
            # What the sender cannot make cannot be asked for.
            [ "$low" -ge $((middle * 9 / 10)) ] || break
        else
            high=$middle
        fi
    done
    echo "$low"
}

round_trip() { mesh_in "${from[$1]}" ping -n -q -c 200 -i 0.005 "${target[$1]}" | awk -F / '/^rtt/ {print $5 * 1000}'; }

# The 99th percentile under a full TCP stream.
round_trip_loaded() {
    local server client
    mesh_exec "${to[$1]}" iperf3 --server --one-off > "$results/server.log" 2>&1 &
    server=$!
    sleep 0.3
    mesh_exec "${from[$1]}" iperf3 --client "${target[$1]}" --time $((each + 2)) >/dev/null 2>&1 &
    client=$!
    sleep 0.7
    mesh_in "${from[$1]}" ping -n -c $((each * 100)) -i 0.01 "${target[$1]}" | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n |
        awk '{v[NR] = $1} END {print NR ? v[int((NR - 1) * 0.99) + 1] * 1000 : "-"}'
    wait "$client" 2>/dev/null || true
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}

# The processes of a system's two ends.
pids_of() {
    local name
    for name in "${from[$1]}" "${to[$1]}"; do
        if [ -e "$results/$name.pid" ]; then cat "$results/$name.pid"; else mesh_pid "$name"; fi
    done
}

# Processor seconds (user and system) of both ends so far.
# shellcheck disable=SC2046
processor() { processor_of $(pids_of "$1"); }

# processor_of PID...: processor seconds of these processes so far.
processor_of() { for pid in "$@"; do cat "/proc/$pid/stat"; done | sed 's/.*) //' | awk -v hz="$(getconf CLK_TCK)" '{sum += $12 + $13} END {print sum / hz}'; }

resident() { for pid in $(pids_of "$1"); do sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; done | sort -n | tail -n 1 | awk '{printf "%.1f\n", $1 / 1000}'; }

# Processor seconds so far of every process that is neither this benchmark, what it started, nor the kernel: whatever else ran meanwhile.
foreign() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v self=$$ -v own=" ${tunnel_pids[*]} $(cat "$mesh_state"/*/pid | tr '\n' ' ') " -v hz="$(getconf CLK_TCK)" '
        {pid = $1; sub(/.*\) /, ""); parent[pid] = $2; used[pid] = $12 + $13}
        function ours(p) {while (p > 1) {if (p == self || p == 2 || index(own, " " p " ")) return 1; p = parent[p]} return 0}
        END {for (p in used) if (p != 2 && !ours(p)) sum += used[p]; printf "%.2f\n", sum / hz}'
}
