# shellcheck shell=bash
# Sourced by the other scripts: where the project is, and how they speak to people.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Who runs these scripts did not ask for the SDK's welcome, its telemetry or a web server's development certificate.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The .NET runtime identifier of this machine.
host_rid() {
    local libc=linux
    case "$(uname -s)" in
        Linux) ;;
        *) fail "builds on Linux only; on $(uname -s) use 'dotnet build TunnelMesh.slnx'." ;;
    esac
    if compgen -G '/lib/ld-musl-*' >/dev/null && [ ! -e /etc/debian_version ]; then libc=linux-musl; fi
    case "$(uname -m)" in
        x86_64) echo "$libc-x64" ;;
        aarch64) echo "$libc-arm64" ;;
        *) fail "there is no native compiler for $(uname -m): x86_64 and aarch64 are supported." ;;
    esac
}

# What scripts/build makes for this machine: with AVX-512 where the processor has all of x86-64-v4, since the native compiler cannot decide that at run time.
host_target() {
    local rid flag
    rid=$(host_rid)
    if [ "$rid" = linux-x64 ]; then
        for flag in avx2 bmi1 bmi2 fma f16c movbe avx512f avx512bw avx512cd avx512dq avx512vl; do
            grep -qw "$flag" /proc/cpuinfo || { echo "$rid"; return; }
        done
        rid+=-v4
    fi
    echo "$rid"
}
