using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Cli.Contexts;

/// <summary>
/// Defaults of the configuration that only one mesh on a machine can use: interface, ports, the coordinator's directory. Each context has a number in its home, and its
/// defaults follow it, so that several run side by side without a configuration. The context <c>default</c> has number 0 and the defaults of the table.
/// </summary>
internal static class ContextDefaults
{
    /// <summary>Highest number; up to it no two defaults meet.</summary>
    public const int MaxNumber = 255;

    /// <summary>The settings of a context before its configuration is read.</summary>
    /// <param name="context">The context.</param>
    /// <param name="number">Its number, 0 to <see cref="MaxNumber"/>.</param>
    public static Settings Of(string context, int number)
    {
        Settings settings = new();
        if (number == 0)
        {
            return settings;
        }
        settings.TunName = $"tun-mesh{number}";
        // Two ports each: SSH and the tunnel, STUN and its second port.
        settings.SshPort += 2 * number;
        settings.CoordinatorStunListen = Shift(settings.CoordinatorStunListen!.Value, 2 * number);
        settings.DnsListen = Shift(settings.DnsListen!.Value, number);
        settings.CoordinatorListen = [Shift(settings.CoordinatorListen[0], number)];
        settings.CoordinatorDataDir += $"-{context}";
        return settings;
    }

    private static HostPort Shift(HostPort place, int by) => place with { Port = place.Port + by };
}
