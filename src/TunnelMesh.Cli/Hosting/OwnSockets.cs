using TunnelMesh.Cli.Configuration;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Cli.Hosting;

/// <summary>What keeps the sockets of a user of an exit peer beside its tunnel where packets cannot be marked.</summary>
internal static class OwnSockets
{
    /// <summary>Prepares this process, before it makes a socket.</summary>
    /// <param name="settings">As they were applied.</param>
    /// <param name="time">Clock.</param>
    /// <returns>What every socket is given to; null where packets are marked, and where no exit peer is used.</returns>
    /// <exception cref="HostException">This process may not.</exception>
    public static InterfaceBinding? For(Settings settings, TimeProvider time)
    {
        if (settings.ExitPeer.Length == 0)
        {
            return null;
        }
        try
        {
            ExitSystem.EnterGroup();
        }
        catch (ExitException e)
        {
            throw new HostException(ExitCode.Permission, $"exit_peer is set, but {e.Message}", e);
        }
        return InterfaceBinding.Create(time);
    }
}
