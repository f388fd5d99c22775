using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.WireGuard;

namespace TunnelMesh.SystemTests.DataPlane;

/// <summary>Our data plane on a real TUN device and a real socket inside one machine, run by this process.</summary>
internal sealed class OurDevice : IDisposable
{
    private readonly LocalStatic key;

    private OurDevice(LocalStatic key, Node.DataPlane.DataPlane plane, int port)
    {
        this.key = key;
        Plane = plane;
        Port = port;
    }

    public Node.DataPlane.DataPlane Plane { get; }

    public int Port { get; }

    public static OurDevice Start(NetworkNamespace machine, WireGuardKeys keys, string[] addresses, int handshakesBeforeCookies = 200, int lanes = 1, int threads = 1)
    {
        (IReadOnlyList<ITunDevice> queues, IReadOnlyList<IUdpSocket> sockets) = NamespaceThread.Run(machine, () =>
        {
            IReadOnlyList<ITunDevice> made = TunDevice.OpenQueues(new TunOptions
            {
                Name = "tm0",
                Mtu = 1420,
                // As the program opens them.
                Offloads = TunOffloads.All,
                Addresses = [.. addresses.Select(a => new TunAddress(IPAddress.Parse(a.Split('/')[0]), int.Parse(a.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture)))],
            }, lanes);
            return (made, UdpSocket.OpenGroup(new UdpSocketOptions { Offloads = UdpOffloads.All }, lanes));
        });
        LocalStatic local = new(Convert.FromBase64String(keys.Private));
        int port = sockets[0].Port;
        Node.DataPlane.DataPlane plane = Node.DataPlane.DataPlane.Start(new DataPlaneOptions { Lanes = [.. queues.Zip(sockets, (q, s) => new LaneDevices(q, s))], ThreadsPerLane = threads, Key = local, HandshakesPerSecondBeforeCookies = handshakesBeforeCookies });
        return new OurDevice(local, plane, port);
    }

    /// <summary>Makes one device the only peer.</summary>
    public void SetPeer(WireGuardKeys remote, IReadOnlyList<string> prefixes, string? endpoint, bool stock = true) => Plane.SetPeers(
    [
        new PeerSpec
        {
            DeviceId = "remote",
            PublicKey = Convert.FromBase64String(remote.Public),
            AllowedPrefixes = [.. prefixes.Select(IPNetwork.Parse)],
            Candidates = endpoint is null ? [] : [IPEndPoint.Parse(endpoint)],
            Stock = stock,
        },
    ]);

    public PeerStats Stats => Assert.Single(Plane.GetStats());

    public string Describe() =>
        $"{Stats}\ndrops: {string.Join(' ', Enum.GetValues<DropReason>().Where(r => Plane.Counters[r] > 0).Select(r => $"{r}={Plane.Counters[r]}"))}" +
        $"\nhandshakes: {string.Join(' ', Enum.GetValues<HandshakeResult>().Where(r => Plane.HandshakeCounters[r] > 0).Select(r => $"{r}={Plane.HandshakeCounters[r]}"))}";

    public void Dispose()
    {
        Plane.Dispose();
        key.Dispose();
    }
}
