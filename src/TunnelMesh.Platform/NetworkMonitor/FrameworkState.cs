using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>The state as the framework lists it, on systems that are asked seldom.</summary>
internal static class FrameworkState
{
    private const int Tries = 3;

    /// <exception cref="IOException">The interfaces cannot be listed.</exception>
    public static NetworkState Read(string? ownInterface)
    {
        for (int left = Tries - 1; ; left--)
        {
            try
            {
                NetworkInterface[] working = [.. NetworkInterface.GetAllNetworkInterfaces()
                    .Where(nic => nic.Name != ownInterface && nic.NetworkInterfaceType != NetworkInterfaceType.Loopback && nic.OperationalStatus != OperationalStatus.Down)];
                return new NetworkState(
                    NetworkState.Candidates(working.SelectMany(nic => nic.GetIPProperties().UnicastAddresses, (nic, a) => new InterfaceAddress(nic.Name, a.Address)), ownInterface),
                    FindRoute(working, AddressFamily.InterNetwork), FindRoute(working, AddressFamily.InterNetworkV6));
            }
            catch (Exception e) when (e is ArgumentException or NetworkInformationException or IOException)
            {
                // Interfaces came or went while they were listed.
                if (left == 0)
                {
                    throw new IOException($"The network interfaces of this machine cannot be listed: {e.Message}", e);
                }
            }
        }
    }

    private static DefaultRoute? FindRoute(NetworkInterface[] working, AddressFamily family)
    {
        foreach (NetworkInterface nic in working)
        {
            IPInterfaceProperties properties = nic.GetIPProperties();
            if (properties.GatewayAddresses.Select(g => g.Address).FirstOrDefault(a => a.AddressFamily == family && !a.Equals(IPAddress.Any) && !a.Equals(IPAddress.IPv6Any)) is { } gateway)
            {
                return new DefaultRoute(gateway, nic.Name, properties.UnicastAddresses.Select(a => a.Address).FirstOrDefault(a => a.AddressFamily == family && LocalNetworks.IsCandidate(a)));
            }
        }

        return null;
    }
}
