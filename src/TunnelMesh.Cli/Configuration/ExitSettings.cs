using TunnelMesh.Platform.Exit;

namespace TunnelMesh.Cli.Configuration;

/// <summary>What flags and configuration say together about exit traffic.</summary>
internal static class ExitSettings
{
    /// <summary>Takes the flags, and checks that everything goes together.</summary>
    /// <param name="settings">The configuration; changed.</param>
    /// <param name="peer">--exit-node; null when it was not given.</param>
    /// <param name="allow">--allow-exit-traffic.</param>
    /// <exception cref="ConfigException">It does not go together, or not on this system.</exception>
    public static void Apply(Settings settings, string? peer, bool allow)
    {
        settings.ExitPeer = (peer ?? settings.ExitPeer).Trim();
        settings.AllowExitTraffic |= allow;
        if (settings.ExitPeer.Length > 0 && settings.AllowExitTraffic)
        {
            throw new ConfigException("A peer cannot use an exit peer and be one: exit_peer (--exit-node) and allow_exit_traffic (--allow-exit-traffic) exclude each other. Leave out one of the two.");
        }
        if (settings.ExitKillSwitch && settings.ExitOfflineDirect)
        {
            throw new ConfigException("exit_kill_switch keeps everything from leaving beside the exit peer, and exit_offline: direct asks for just that. Leave out one of the two.");
        }
        if ((settings.ExitPeer.Length > 0 || settings.AllowExitTraffic) && !ExitSetup.IsSupported)
        {
            throw new ConfigException(settings.AllowExitTraffic
                ? "This version lets the traffic of others out on Linux only (allow_exit_traffic, --allow-exit-traffic). Use a Linux machine as the exit peer."
                : "This version leads traffic through an exit peer on Linux only (exit_peer, --exit-node): here the mesh's own packets cannot be told from those of programs, and would go round in a circle. Leave it out on this machine.");
        }
        if (settings.ExitPeer.Length > 0 && settings.FirewallMark == 0)
        {
            settings.FirewallMark = ExitSetup.DefaultMark;
        }
    }
}
