using TunnelMesh.Platform.Exit;

namespace TunnelMesh.Cli.Configuration;

/// <summary>What flags and configuration say together about exit traffic.</summary>
internal static class ExitSettings
{
    // What Windows has itself: the NAT of Hyper-V.
    private const string InsteadOnWindows =
        "An exit peer on Linux in a virtual machine of this one has its line, too. For its network, as an administrator: New-VMSwitch -Name TunnelMesh -SwitchType Internal; "
        + "New-NetIPAddress -InterfaceAlias 'vEthernet (TunnelMesh)' -IPAddress 192.168.77.1 -PrefixLength 24; Set-NetIPInterface -InterfaceAlias 'vEthernet (TunnelMesh)' -Forwarding Enabled; "
        + "New-NetNat -Name TunnelMesh -InternalIPInterfaceAddressPrefix 192.168.77.0/24. Then give the machine the address 192.168.77.2/24 and the gateway 192.168.77.1.";

    /// <summary>Takes the flags, and checks that everything goes together.</summary>
    /// <param name="settings">The configuration; changed.</param>
    /// <param name="peer">--exit-node; null when it was not given.</param>
    /// <param name="allow">--allow-exit-traffic.</param>
    /// <exception cref="ConfigException">It does not go together, or not on this system.</exception>
    public static void Apply(Settings settings, string? peer, bool allow) =>
        Apply(settings, peer, allow, OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsMacOS() ? "macos" : OperatingSystem.IsWindows() ? "windows" : "");

    /// <summary>The same for any system.</summary>
    /// <param name="settings">The configuration; changed.</param>
    /// <param name="peer">--exit-node; null when it was not given.</param>
    /// <param name="allow">--allow-exit-traffic.</param>
    /// <param name="system">linux, macos, windows, or anything for one that is not known.</param>
    /// <exception cref="ConfigException">It does not go together, or not on this system.</exception>
    internal static void Apply(Settings settings, string? peer, bool allow, string system)
    {
        settings.ExitPeer = (peer ?? settings.ExitPeer).Trim();
        settings.AllowExitTraffic |= allow;
        bool uses = settings.ExitPeer.Length > 0;
        if (uses && settings.AllowExitTraffic)
        {
            throw new ConfigException("A peer cannot use an exit peer and be one: exit_peer (--exit-node) and allow_exit_traffic (--allow-exit-traffic) exclude each other. Leave out one of the two.");
        }
        if (settings.ExitKillSwitch && !uses)
        {
            // Whoever asks for it must not find out by the traffic that there is none.
            throw new ConfigException("exit_kill_switch is true, and there is no exit peer, without which nothing would be closed. Name one (exit_peer, --exit-node), or take exit_kill_switch out.");
        }
        if (settings.ExitKillSwitch && settings.ExitOfflineDirect)
        {
            throw new ConfigException("exit_kill_switch keeps everything from leaving beside the exit peer, and exit_offline: direct asks for just that. Leave out one of the two.");
        }
        if ((uses || settings.AllowExitTraffic) && Refusal(settings, uses, system) is { } refusal)
        {
            throw new ConfigException(refusal);
        }
        if (uses && settings.FirewallMark == 0 && system == "linux")
        {
            settings.FirewallMark = ExitSetup.DefaultMark;
        }
    }

    private static string? Refusal(Settings settings, bool uses, string system) => system switch
    {
        "linux" or "macos" => null,
        "windows" when !uses =>
            "This version does not let the traffic of others out on Windows (allow_exit_traffic, --allow-exit-traffic): there are no rules by which others would get to the internet and not to this machine. Use a machine with Linux or macOS as the exit peer. " + InsteadOnWindows,
        "windows" when settings.ExitKillSwitch =>
            "exit_kill_switch is true, and this version has none on Windows. Leave it out, or use a machine with Linux or macOS. Rules of Windows Firewall that you write yourself can close the way beside the mesh's interface; no peer looks after them.",
        "windows" when !settings.ExitLanAccess =>
            "On Windows this version leads traffic through an exit peer by routes alone, and what this machine is connected to, or a DHCP server names, stays reachable past it. If that is all right, say so: exit_lan_access: true",
        "windows" => null,
        _ => "This version knows exit traffic on Linux, macOS and Windows only (exit_peer, --exit-node, allow_exit_traffic, --allow-exit-traffic). Leave it out on this machine.",
    };
}
