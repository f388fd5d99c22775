# shellcheck shell=sh
# What the scripts of the packages do to services. Put at the head of each; POSIX sh.

program=/usr/bin/tunnelmesh
marker='# Written by `tunnelmesh service install`'
own=/etc/systemd/system
packaged=/usr/lib/systemd/system/tunnelmesh.service

booted() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

# A unit that closes the way to the internet at the start of the system belongs to a service and is none. No context has such a name; a user may.
is_boot() {
    case "$1" in
        *:*) return 1 ;;
        *_closed.service) return 0 ;;
        *) return 1 ;;
    esac
}

# The services that run the program of this package: that of its own unit, and those that `tunnelmesh service install` has made with it.
services() {
    for unit in "$own"/tunnelmesh.service "$own"/tunnelmesh-*.service "$own"/tunnelmesh:*.service; do
        if [ -f "$unit" ] && ! is_boot "$unit" && grep -q "^ExecStart=$program " "$unit"; then echo "${unit##*/}"; fi
    done
    # A unit or a link in $own stands before the package's.
    if [ -f "$packaged" ] && [ ! -e "$own/tunnelmesh.service" ]; then echo tunnelmesh.service; fi
}

# Debian lets an administrator forbid it (policy-rc.d).
act() {
    if command -v deb-systemd-invoke >/dev/null 2>&1; then deb-systemd-invoke "$@"; else systemctl "$@"; fi
}

reload_systemd() { if booted; then systemctl daemon-reload || true; fi; }

# What runs goes on with the new program. A service that does not come back is no reason to leave a package half installed.
restart_services() {
    booted || return 0
    for service in $(services); do
        systemctl --quiet is-active "$service" || continue
        act restart "$service" || echo "tunnelmesh: $service did not come back; why, is in its log: journalctl -u $service" >&2
    done
}

# After the program was away: what starts with the system starts now.
start_services() {
    booted || return 0
    for service in $(services); do
        systemctl --quiet is-enabled "$service" 2>/dev/null || continue
        act start "$service" || echo "tunnelmesh: $service did not start; why, is in its log: journalctl -u $service" >&2
    done
}

stop_services() {
    booted || return 0
    for service in $(services); do act stop "$service" || echo "tunnelmesh: $service could not be stopped" >&2; done
}

# Homes of root's peers that are not where they are by default.
homes() {
    for name in $(services); do
        if [ -f "$own/$name" ]; then sed -n 's/^Environment="\{0,1\}TUNNELMESH_HOME=\([^"]*\)"\{0,1\}$/\1/p' "$own/$name"; fi
    done
}

# What a killed peer has left goes while the program is here that can put it back: how names are asked for, exit traffic with its kill switch, rules for packets.
undo_left_behind() {
    if [ ! -x "$program" ]; then return 0; fi
    (unset TUNNELMESH_HOME && HOME=/root "$program" cleanup --all) || echo 'tunnelmesh: not all that peers have changed on this system is put back; why, is said above' >&2
    homes | while IFS= read -r home; do
        TUNNELMESH_HOME=$home "$program" cleanup --all || echo "tunnelmesh: not all that peers of $home have changed on this system is put back; why, is said above" >&2
    done
}

# Its members may ask a running peer.
make_group() { getent group tunnelmesh >/dev/null 2>&1 || groupadd --system tunnelmesh; }

# The units of `service install` that run this package's program, what systemd was told of them, and the state in the places of the system, of every context.
# Keys and memberships of users lie in their home directories and are theirs.
purge_state() {
    for unit in "$own"/tunnelmesh_closed.service "$own"/tunnelmesh-*_closed.service; do
        if [ -f "$unit" ] && is_boot "$unit" && grep -q "^ExecStart=$program " "$unit" && head -n 1 "$unit" | grep -q "^$marker"; then
            rm -f "$unit" "$own/sysinit.target.wants/${unit##*/}"
        fi
    done
    for name in $(services); do
        if [ -f "$own/$name" ] && head -n 1 "$own/$name" | grep -q "^$marker"; then
            rm -f "$own/$name"
            context=$(echo "$name" | sed 's/^tunnelmesh//; s/\.service$//')
            # What lies in the places of the default context may be that of another service, and comes below.
            if [ -n "$context" ]; then rm -rf "/etc/tunnelmesh/env$context.conf" "/var/lib/tunnelmesh$context"; fi
        fi
        if [ ! -e "$own/$name" ]; then rm -f "$own/multi-user.target.wants/$name"; fi
    done
    if [ -L "$own/multi-user.target.wants/tunnelmesh.service" ] && [ ! -e "$own/multi-user.target.wants/tunnelmesh.service" ]; then
        rm -f "$own/multi-user.target.wants/tunnelmesh.service"
    fi
    for unit in "$own"/tunnelmesh.service "$own"/tunnelmesh-*.service "$own"/tunnelmesh:*.service; do
        if [ -f "$unit" ] && ! is_boot "$unit"; then
            echo "tunnelmesh: $unit runs another program, so /etc/tunnelmesh and /var/lib/tunnelmesh stay for it."
            return 0
        fi
    done
    rm -rf /etc/tunnelmesh /var/lib/tunnelmesh
    for rest in /var/lib/tunnelmesh-*; do
        if [ -e "$rest" ]; then
            echo "tunnelmesh: $rest stays, since no service was there for it. If a coordinator had its state there, that is the mesh itself: remove it when it is not needed any more."
        fi
    done
    # Whoever installs it anew and says what to join has not left.
    rm -f /root/.tunnelmesh/contexts/default/left
    for hold in /run/tunnelmesh/*.lock; do
        # A peer that was started by hand keeps its own.
        if [ -f "$hold" ] && [ ! -e "${hold%.lock}.sock" ]; then rm -f "$hold"; fi
    done
    # Who sets up the names of the system. A peer that runs has it open; without one it says nothing.
    set -- /run/tunnelmesh/*.sock
    if [ ! -e "$1" ]; then rm -f /run/tunnelmesh/names-*; fi
    if [ -d /run/tunnelmesh ]; then rmdir --ignore-fail-on-non-empty /run/tunnelmesh; fi
    if [ -e /root/.tunnelmesh ]; then
        echo 'tunnelmesh: identity and memberships of root stay in /root/.tunnelmesh. Remove it when they are not needed any more.'
    fi
}
