using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Filter;

/// <summary>Pings, and the errors by which systems tell each other of closed ports and narrow paths, through the filters of running peers.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class FilterIcmpTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    // Every peer drops by default; nas has a rule against guest that is about everything.
    private const string Open = "metrics_enabled: false\nfilter:\n  rules:\n    - {port: 7000, action: allow}\n", Closed = Open + "    - {protocol: any, action: deny, source_peer: guest}\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    [Fact]
    public async Task Errors_reach_who_asked_and_what_is_dropped_causes_none()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer nas = await AddAsync(underlay, "nas"), laptop = await AddAsync(underlay, "laptop"), guest = await AddAsync(underlay, "guest");
        (IPAddress[] atNas, IPAddress[] atLaptop, IPAddress[] atGuest) = await JoinAsync(nas, laptop, guest);
        foreach (int family in new[] { 0, 1 })
        {
            // Nobody listens: the system of the other side says so, where its filter has let the question in.
            Assert.Equal(SocketError.ConnectionRefused, await Probe.ClosedUdpAsync(laptop.Machine, atNas[family], 7000, Cancel));
            Assert.Equal(SocketError.ConnectionRefused, await Probe.ClosedUdpAsync(nas.Machine, atLaptop[family], 7000, Cancel));
            Assert.Equal(SocketError.ConnectionRefused, await Probe.ClosedUdpAsync(nas.Machine, atGuest[family], 7000, Cancel));
            Assert.Null(await Probe.ClosedUdpAsync(laptop.Machine, atNas[family], 7005, Cancel));
            Assert.Null(await Probe.ClosedUdpAsync(guest.Machine, atNas[family], 7000, Cancel));

            // A narrow path behind the other side, also from one whose every other packet is denied.
            Assert.Equal(SocketError.MessageSize, await Probe.TooBigAsync(laptop.Machine, atLaptop[family], nas.Machine, atNas[family], Cancel));
            Assert.Equal(SocketError.MessageSize, await Probe.TooBigAsync(nas.Machine, atNas[family], guest.Machine, atGuest[family], Cancel));
            Assert.Contains($"mtu {Probe.NarrowMtu}", await laptop.Machine.IpAsync($"route get {atNas[family]}", Cancel), StringComparison.Ordinal);
            Assert.Contains($"mtu {Probe.NarrowMtu}", await nas.Machine.IpAsync($"route get {atGuest[family]}", Cancel), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Who_is_denied_everything_is_answered_pings_and_what_it_is_asked()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer nas = await AddAsync(underlay, "nas"), laptop = await AddAsync(underlay, "laptop"), guest = await AddAsync(underlay, "guest");
        (IPAddress[] atNas, _, IPAddress[] atGuest) = await JoinAsync(nas, laptop, guest);
        foreach (int family in new[] { 0, 1 })
        {
            foreach ((Peer from, bool passes) in new[] { (laptop, true), (guest, false) })
            {
                Assert.Equal(3, await from.Machine.CountRepliesAsync(atNas[family].ToString(), 3, Cancel));
                // In fragments, too.
                Assert.Equal(3, await from.Machine.CountRepliesAsync(atNas[family].ToString(), 3, Cancel, payload: 3000, fragments: true));
                Assert.Equal(passes, await Probe.TcpAsync(from.Machine, nas.Machine, atNas[family], 7000, Cancel));
                Assert.Equal(passes, await Probe.UdpAsync(from.Machine, nas.Machine, atNas[family], 7000, Cancel));
            }
            Assert.Equal(3, await nas.Machine.CountRepliesAsync(atGuest[family].ToString(), 3, Cancel));
            Assert.True(await Probe.TcpAsync(nas.Machine, guest.Machine, atGuest[family], 7000, Cancel));
            Assert.True(await Probe.UdpAsync(nas.Machine, guest.Machine, atGuest[family], 7000, Cancel));
        }
    }

    private static async Task<(IPAddress[] Nas, IPAddress[] Laptop, IPAddress[] Guest)> JoinAsync(Peer nas, Peer laptop, Peer guest)
    {
        await nas.JoinAsync(Cancel, configuration: Closed);
        string server = $"{nas.Machine.Address}:8443";
        await laptop.JoinAsync(Cancel, server, Open);
        await guest.JoinAsync(Cancel, server, Open);
        IPAddress[] addresses = await FilterTests.AddressesAsync(nas);
        await FilterTests.ReachAsync(addresses, laptop, guest);
        return (addresses, await FilterTests.AddressesAsync(laptop), await FilterTests.AddressesAsync(guest));
    }
}
