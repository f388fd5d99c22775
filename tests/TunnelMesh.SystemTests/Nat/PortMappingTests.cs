using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Nat;

/// <summary>Port mapping at a real miniupnpd, seen to work by datagrams from outside.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class PortMappingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(PortMappingMethod.Pcp)]
    [InlineData(PortMappingMethod.NatPmp)]
    [InlineData(PortMappingMethod.Upnp)]
    public async Task A_mapping_lets_datagrams_in_is_renewed_and_is_given_back(PortMappingMethod method)
    {
        await using MappingRouter home = await MappingRouter.CreateAsync(Cancel);
        using Socket inside = NamespaceSocket.Bind(home.Inside, IPAddress.Any, MappingRouter.Port), outside = NamespaceSocket.Bind(home.Outside, IPAddress.Parse(MappingRouter.OutsideAddress));
        // Dropped by the router's firewall: else it would be what arrives first.
        await outside.SendToAsync("too soon"u8.ToArray(), SocketFlags.None, new IPEndPoint(IPAddress.Parse(MappingRouter.Address), MappingRouter.Port), Cancel);
        using INetworkMonitor monitor = home.Watch();
        TimeSpan lifetime = TimeSpan.FromSeconds(4);
        long start;
        await using (PortMapper mapper = home.StartMapper(monitor, lifetime, method))
        {
            await UntilAsync(() => mapper.V4 is not null, () => $"{mapper.Problem}\n{home.DaemonOutput}");
            start = Stopwatch.GetTimestamp();
            PortMapping mapping = mapper.V4!;
            Assert.Equal((method, IPAddress.Parse(MappingRouter.Address), IPAddress.Parse("192.168.7.1"), true), (mapping.Method, mapping.External.Address, mapping.Gateway, mapping.IsPublic));
            Assert.Equal(("first", outside.LocalEndPoint), await MappingRouter.SendAsync(outside, mapping.External, inside, "first", Cancel));

            await UntilAsync(() => Stopwatch.GetElapsedTime(start) > lifetime * 1.5, () => "");
            Assert.True(mapper.Counters.Renewed >= 2, mapper.Counters.ToString());
            Assert.Equal((mapper.V6 is null ? 1 : 2, 0, 0), (mapper.Counters.Made, mapper.Counters.Lost, mapper.Counters.Lies));
            Assert.Equal(mapping.External, mapper.V4!.External);
            Assert.Equal("second", (await MappingRouter.SendAsync(outside, mapping.External, inside, "second", Cancel)).Text);
            Assert.Contains("dnat", await home.Router.RunAsync(["nft", "list", "ruleset"], cancel: Cancel), StringComparison.Ordinal);
        }

        Assert.DoesNotContain("dnat", await home.Router.RunAsync(["nft", "list", "ruleset"], cancel: Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PCP_is_found_first_and_opens_the_firewall_of_IPv6_too()
    {
        await using MappingRouter home = await MappingRouter.CreateAsync(Cancel);
        using Socket inside = NamespaceSocket.Bind(home.Inside, IPAddress.IPv6Any, MappingRouter.Port), outside = NamespaceSocket.Bind(home.Outside, IPAddress.Parse(MappingRouter.OutsideAddress6));
        using INetworkMonitor monitor = home.Watch();
        await using PortMapper mapper = home.StartMapper(monitor, TimeSpan.FromHours(1), PortMappingMethod.Pcp, PortMappingMethod.NatPmp, PortMappingMethod.Upnp);
        await UntilAsync(() => mapper.V4 is not null && mapper.V6 is not null, () => $"{mapper.V4} {mapper.V6} {mapper.Problem}\n{home.DaemonOutput}");
        Assert.Equal(PortMappingMethod.Pcp, mapper.V4!.Method);
        Assert.Equal(new IPEndPoint(IPAddress.Parse(MappingRouter.InsideAddress6), MappingRouter.Port), mapper.V6!.External);
        Assert.Equal(("over IPv6", outside.LocalEndPoint), await MappingRouter.SendAsync(outside, mapper.V6.External, inside, "over IPv6", Cancel));
    }

    [Fact]
    public async Task A_gateway_that_starts_anew_is_asked_again_at_once()
    {
        await using MappingRouter home = await MappingRouter.CreateAsync(Cancel);
        long start = Stopwatch.GetTimestamp();
        using Socket inside = NamespaceSocket.Bind(home.Inside, IPAddress.Any, MappingRouter.Port), outside = NamespaceSocket.Bind(home.Outside, IPAddress.Parse(MappingRouter.OutsideAddress));
        using INetworkMonitor monitor = home.Watch();
        await using PortMapper mapper = home.StartMapper(monitor, TimeSpan.FromHours(1), PortMappingMethod.Pcp);
        // It counts whole seconds since its start: only one that has counted some can be seen to begin again.
        await UntilAsync(() => Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(5), () => "");
        mapper.Refresh();
        // Of both families.
        await UntilAsync(() => mapper.Counters.Renewed == 2, () => mapper.Counters.ToString());
        await home.CutPowerAsync(Cancel);
        await home.StartDaemonAsync(Cancel);
        await UntilAsync(() => mapper.Counters is { Restarts: >= 1, Renewed: >= 4 }, () => $"{mapper.Counters}\n{home.DaemonOutput}");
        Assert.Equal("again", (await MappingRouter.SendAsync(outside, mapper.V4!.External, inside, "again", Cancel)).Text);
        Assert.Equal(0, mapper.Counters.Lost);
    }

    private static async Task UntilAsync(Func<bool> condition, Func<string> state)
    {
        for (long start = Stopwatch.GetTimestamp(); !condition(); await Task.Delay(20, Cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, state());
        }
    }
}
