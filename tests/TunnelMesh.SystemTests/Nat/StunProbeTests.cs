using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using TunnelMesh.Coordinator.Stun;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Nat;

/// <summary>A peer behind the kernel's own NAT asks responders at two addresses.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class StunProbeTests
{
    private const string SecondAddress = "45.79.13.3";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("masquerade", MappingBehaviour.EndpointIndependent, true)]
    [InlineData("masquerade fully-random", MappingBehaviour.Dependent, false)]
    public async Task The_kind_of_a_real_NAT_is_found(string masquerade, MappingBehaviour behaviour, bool preserved)
    {
        await using MappingRouter home = await MappingRouter.CreateAsync(Cancel, masquerade, daemon: false);
        await home.Outside.IpAsync($"address add {SecondAddress}/24 dev eth0", Cancel);
        await using StunResponder first = Respond(home.Outside, MappingRouter.OutsideAddress), second = Respond(home.Outside, SecondAddress), third = Respond(home.Outside, MappingRouter.OutsideAddress6);
        using Socket socket = NamespaceThread.Run(home.Inside, () =>
        {
            Socket made = new(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true };
            made.Bind(new IPEndPoint(IPAddress.IPv6Any, MappingRouter.Port));
            return made;
        });
        using StunProbe probe = new(new StunProbeOptions
        {
            LocalPort = MappingRouter.Port,
            Send = (datagram, in server) =>
            {
                IPEndPoint target = server.ToIPEndPoint();
                socket.SendTo(datagram, SocketFlags.None, new IPEndPoint(target.Address.MapToIPv6(), target.Port));
            },
            IsOwnAddress = e => e.ToIPEndPoint().Address.ToString() is MappingRouter.InsideAddress or MappingRouter.InsideAddress6,
            Random = RandomNumberGenerator.Fill,
        });
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task receiving = ReceiveAsync(socket, probe, stop.Token);
        long start = Stopwatch.GetTimestamp();
        probe.SetServers([.. new[] { MappingRouter.OutsideAddress, SecondAddress, MappingRouter.OutsideAddress6 }.Select(a => UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(a), 3478)))]);
        while (probe.V4.Servers.Any(s => s.Mapped.IsNone) || probe.V6.Endpoints.Count == 0)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, probe.Counters.ToString());
            await Task.Delay(10, Cancel);
        }

        Assert.Equal((behaviour, preserved), (probe.V4.Behaviour, probe.V4.PortPreserved));
        Assert.All(probe.V4.Endpoints, e => Assert.Equal(MappingRouter.Address, e.ToIPEndPoint().Address.ToString()));
        Assert.Equal((MappingBehaviour.None, $"[{MappingRouter.InsideAddress6}]:{MappingRouter.Port}"), (probe.V6.Behaviour, probe.V6.Endpoints[0].ToString()));
        Assert.False(probe.IsBlocked);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
    }

    // Bound before the first wait, so in the namespace.
    private static StunResponder Respond(NetworkNamespace machine, string address) =>
        NamespaceThread.Run(machine, () => StunResponder.StartAsync(new IPEndPoint(IPAddress.Parse(address), 3478), () => [], NullLogger.Instance, TimeProvider.System).GetAwaiter().GetResult());

    private static async Task ReceiveAsync(Socket socket, StunProbe probe, CancellationToken cancel)
    {
        byte[] buffer = new byte[2000];
        while (true)
        {
            SocketReceiveFromResult result = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.IPv6Any, 0), cancel);
            probe.Handle(buffer.AsSpan(0, result.ReceivedBytes), UdpEndpoint.From((IPEndPoint)result.RemoteEndPoint));
        }
    }
}
