using System.Globalization;
using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>Metrics as Prometheus gets them: over the mesh, by a program that checks the certificate.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MetricsTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<CommandResult> GetAsync(Peer from, string url) =>
        from.Machine.TryRunAsync(["curl", "-sS", "--max-time", "5", "--cacert", Path.Combine(from.Home, "contexts", "default", "ca.pem"), url], Cancel);

    [Fact]
    public async Task They_are_served_to_the_mesh_under_the_device_s_certificate_and_to_nobody_else()
    {
        Requirements.Programs("curl", "nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), nas = await Peer.AddAsync(underlay, "nas", Token, Cancel);
        string hubIp = await hub.JoinAsync(Cancel), nasIp = await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.True(await nas.Machine.ReachesAsync(hubIp, 5, Cancel));

        string url = (await nas.AskJsonAsync(Cancel, "status")).GetProperty("metrics_url").GetString()!;
        Assert.Equal($"https://{nasIp}:9443/metrics", url);
        string metrics = (await GetAsync(hub, url)).Output;
        Assert.Contains($"tunnelmesh_peer_info{{peer=\"nas\",mesh_ip=\"{nasIp}\"", metrics, StringComparison.Ordinal);
        Assert.Contains("tunnelmesh_connection_state{target_peer=\"hub\",transport=\"udp\"} 1", metrics, StringComparison.Ordinal);
        Assert.True(Value(metrics, "tunnelmesh_bytes_sent_total") > 0, metrics);
        Assert.DoesNotContain("tunnelmesh_coordinator_online_peers", metrics, StringComparison.Ordinal);
        Assert.Equal("ok\n", (await GetAsync(hub, $"https://{nasIp}:9443/health")).Output);

        // By this machine itself, over IPv6, and of the coordinator.
        Assert.Contains("\"nas\"", (await GetAsync(nas, url)).Output, StringComparison.Ordinal);
        string nasIp6 = (await nas.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip6").GetString()!;
        Assert.Contains("\"nas\"", (await GetAsync(hub, $"https://[{nasIp6}]:9443/metrics")).Output, StringComparison.Ordinal);
        Assert.Equal(2, Value((await GetAsync(nas, $"https://{hubIp}:9443/metrics")).Output, "tunnelmesh_coordinator_online_peers"));

        // Not on the address of the network, nor to a machine there that sends to the mesh address.
        Assert.Equal(7, (await GetAsync(hub, $"https://{nas.Machine.Address}:9443/metrics")).ExitCode);
        NetworkNamespace stranger = await underlay.AddMachineAsync(Cancel);
        await stranger.IpAsync($"route add {nasIp} via {nas.Machine.Address}", Cancel);
        // Also where the kernel's rules let it in.
        await nas.Machine.RunAsync(["nft", "delete", "table", "inet", "tunnelmesh-guard-tun-mesh0"], cancel: Cancel);
        CommandResult refused = await stranger.TryRunAsync(["curl", "-sk", "--max-time", "5", url], Cancel);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Equal("", refused.Output);
    }

    [Fact]
    public async Task They_are_off_or_elsewhere_as_configured_and_a_port_that_is_taken_ends_nothing()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        await hub.JoinAsync(Cancel, configuration: "metrics_enabled: false");
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await hub.AskJsonAsync(Cancel, "status")).GetProperty("metrics_url").ValueKind);
        Assert.Equal(0, await hub.StopAsync(Cancel));
        // The port of its own API, which listens at every address.
        await hub.JoinAsync(Cancel, configuration: "metrics_port: 8443");
        await hub.Program!.WaitForLineAsync("another program has the port", TimeSpan.FromSeconds(5), Cancel);
        Assert.Equal(0, await hub.StopAsync(Cancel));
        string ip = await hub.JoinAsync(Cancel, configuration: "metrics_port: 9444");
        Assert.Equal($"https://{ip}:9444/metrics", (await hub.AskJsonAsync(Cancel, "status")).GetProperty("metrics_url").GetString());
    }

    private static double Value(string metrics, string name) =>
        double.Parse(metrics.Split('\n').Single(l => l.StartsWith(name + " ", StringComparison.Ordinal))[(name.Length + 1)..], CultureInfo.InvariantCulture);
}
