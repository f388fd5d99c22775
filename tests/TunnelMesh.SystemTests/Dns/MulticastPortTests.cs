using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>The default of dns.listen has the port of multicast DNS, at which avahi and systemd-resolved have a socket of every address.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MulticastPortTests
{
    private const int Port = 5353;
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Socket Bind(Peer peer) => NamespaceThread.Run(peer.Machine, () =>
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(IPAddress.Any, Port));
        return socket;
    });

    [Fact]
    public async Task A_program_of_multicast_DNS_and_the_peer_start_in_either_order()
    {
        Requirements.Programs("dig");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        using (Bind(hub))
        {
            await hub.JoinAsync(Cancel);
            await RequireAnswerAsync(hub);
        }
        using (Bind(hub))
        {
            await RequireAnswerAsync(hub);
        }
        Assert.Equal(0, await hub.StopAsync(Cancel));
    }

    private static async Task RequireAnswerAsync(Peer peer)
    {
        JsonElement dns = (await peer.AskJsonAsync(Cancel, "status")).GetProperty("dns");
        Assert.Contains($"127.0.0.53:{Port}", dns.GetProperty("listen").EnumerateArray().Select(e => e.GetString()));
        CommandResult answer = await peer.Machine.TryRunAsync(["dig", "+tries=1", "+time=2", "+short", "@127.0.0.53", "-p", $"{Port}", "hub.tunnelmesh"], Cancel);
        Assert.True(answer.Output.Trim() == "10.42.0.1", answer.ToString());
    }
}
