using System.Net;
using System.Net.NetworkInformation;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Exit;

/// <summary>What this operating system does for exit traffic.</summary>
public static class ExitSystem
{
    /// <summary>The group of processes that macOS knows the mesh's own packets by, since it has no marks: a number that no group of a system has, the same as the mark elsewhere.</summary>
    public const uint Group = ExitSetup.DefaultMark;

    /// <summary>The set-up of this system.</summary>
    /// <param name="journal">Path of the journal, in the context's directory; only where the system keeps something beyond the process.</param>
    /// <param name="binding">Keeps the mesh's own sockets beside the tunnel; null where they are marked, and where no exit peer is used.</param>
    /// <exception cref="PlatformNotSupportedException">This operating system is not known.</exception>
    public static IExitSetup Open(string journal, InterfaceBinding? binding)
    {
        if (OperatingSystem.IsLinux())
        {
            return new ExitSetup(journal);
        }

        if (OperatingSystem.IsMacOS())
        {
            return new MacOSExitSetup(journal, new PfProgram(SystemProgram.Run, PfProgram.Read), new ForwardingSettings(MacOSNative.ReadSetting, MacOSNative.WriteSetting),
                new MacOSHalfRoutes(new MacOSNetwork(), LocalNetworks.GetRoutes, name => (ushort)UnixNative.IfNameToIndex(name)), ReadWays, binding);
        }

        return OperatingSystem.IsWindows() ? new WindowsExitSetup(new WindowsHalfRoutes(new IpHelper(), IpHelper.GetRoutes), binding)
            : throw new PlatformNotSupportedException("Exit traffic is not known on this operating system. Run the peer on Linux.");
    }

    /// <summary>Whether this system keeps something beyond the process, which a command can undo or put in force.</summary>
    public static bool Outlives => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    /// <summary>Whether this machine can close name servers past the tunnel while a peer uses an exit peer, and opens them soon after it was killed. The kernel is asked; programs of the system are run.</summary>
    /// <param name="interfaceName">The mesh's interface.</param>
    /// <param name="mark">The mark of the mesh's own packets.</param>
    public static bool ClosesNames(string interfaceName, uint mark) => OperatingSystem.IsLinux() && new PacketRules(new SystemDnsPlaces().Find, SystemProgram.Read).CanCloseNames(interfaceName, mark);

    /// <summary>Every address of this machine, those of loopback and of links that are down, too.</summary>
    /// <exception cref="NetworkInformationException">The system gave no list.</exception>
    public static IReadOnlyList<IPAddress> OwnAddresses() => OperatingSystem.IsLinux() ? LinuxAddresses.All()
        : [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(nic => nic.GetIPProperties().UnicastAddresses).Select(unicast => unicast.Address)];

    /// <summary>Gives this process the group by which rules know its packets, before it makes a socket. Nothing where packets are marked instead.</summary>
    /// <exception cref="ExitException">This process may not.</exception>
    public static void EnterGroup()
    {
        if (OperatingSystem.IsMacOS() && MacOSNative.SetEffectiveGroup(Group) != 0)
        {
            throw new ExitException("this process may not take the group by which its packets are known. Run it as root (sudo).");
        }
    }

    private static ExitWays ReadWays(string ownInterface)
    {
        (int v4, int v6) = new MacOSInterfaceOption().ReadWays();
        return ExitWays.Of(NetworkState.Read(ownInterface).Addresses, UnixNative.InterfaceName(v4), UnixNative.InterfaceName(v6));
    }
}
