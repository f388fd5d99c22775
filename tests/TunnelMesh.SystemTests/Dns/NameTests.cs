using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>Names of a real mesh, asked by dig and by the system's library.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class NameTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    private static async Task<string> DigAsync(Peer peer, params string[] arguments) =>
        (await peer.Machine.TryRunAsync(["dig", "+tries=1", "+time=2", .. arguments], Cancel)).Output;

    private static async Task DigUntilAsync(Peer peer, Func<string, bool> wanted, params string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        for (string answer; !wanted(answer = await DigAsync(peer, arguments)); await Task.Delay(50, Cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, answer);
        }
    }

    [Fact]
    public async Task Dig_is_answered_at_the_mesh_address_and_on_loopback_and_a_stranger_is_not()
    {
        Requirements.Programs("dig");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), nas = await AddAsync(underlay, "nas");
        await hub.JoinAsync(Cancel, configuration: "dns: { listen: \":5353\", cache_ttl: 77 }");
        string address = await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443", "dns: { aliases: [Files] }");
        await DigUntilAsync(hub, a => a.Contains("10.42.0.2", StringComparison.Ordinal), "@10.42.0.1", "files.tm", "+short");

        string a = await DigAsync(hub, "@10.42.0.1", "NAS.tunnelmesh");
        Assert.Contains("status: NOERROR", a, StringComparison.Ordinal);
        Assert.Contains("flags: qr aa rd", a, StringComparison.Ordinal);
        Assert.Matches(@"NAS\.tunnelmesh\.\s+77\s+IN\s+A\s+10\.42\.0\.2", a);
        // Over the tunnel, over TCP, with a cookie that dig checks, from the other port.
        Assert.Equal(address, (await DigAsync(hub, $"@{address}", "nas.mesh", "+tcp", "+short")).Trim());
        Assert.Contains("COOKIE", await DigAsync(nas, "@10.42.0.1", "nas.mesh", "+cookie"), StringComparison.Ordinal);
        Assert.Contains("(good)", await DigAsync(nas, "@10.42.0.1", "nas.mesh", "+cookie"), StringComparison.Ordinal);
        Assert.Equal("10.42.0.1", (await DigAsync(nas, "@127.0.0.53", "-p", "5353", "this.tm", "+short")).Trim());
        string six = (await nas.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip6").GetString()!;
        Assert.Equal(six, (await DigAsync(hub, "@10.42.0.1", "nas.tm", "AAAA", "+short")).Trim());
        Assert.Equal("nas.tunnelmesh.", (await DigAsync(hub, "@10.42.0.1", "-x", address, "+short")).Trim());
        Assert.Equal("nas.tunnelmesh.", (await DigAsync(hub, "@10.42.0.1", "-x", six, "+short")).Trim());
        string none = await DigAsync(hub, "@10.42.0.1", "nobody.tunnelmesh");
        Assert.Contains("status: NXDOMAIN", none, StringComparison.Ordinal);
        Assert.Matches(@"tunnelmesh\.\s+10\s+IN\s+SOA\s+this\.tunnelmesh\. hostmaster\.tunnelmesh\.", none);
        Assert.Contains("status: REFUSED", await DigAsync(nas, "@10.42.0.1", "example.com"), StringComparison.Ordinal);
        Assert.Contains("status: REFUSED", await DigAsync(hub, "@10.42.0.1", "tunnelmesh", "AXFR", "+tcp", "+comments", "+onesoa"), StringComparison.Ordinal);
        Assert.Contains("status: NOERROR", await DigAsync(hub, "@10.42.0.1", "nas.tm", "ANY"), StringComparison.Ordinal);
        Assert.Contains("status: BADVERS", await DigAsync(hub, "@10.42.0.1", "nas.tm", "+edns=1", "+noednsneg"), StringComparison.Ordinal);

        Assert.Contains("no servers could be reached", await DigAsync(nas, $"@{hub.Machine.Address}", "-p", "5353", "nas.tm"), StringComparison.Ordinal);
        JsonElement dns = (await hub.AskJsonAsync(Cancel, "status")).GetProperty("dns");
        Assert.True(dns.GetProperty("drops").GetProperty("stranger").GetInt64() >= 1, dns.ToString());
        // The namespaces share the file of the machine that runs the test: it is left alone, and that is said.
        Assert.Equal(JsonValueKind.Null, dns.GetProperty("system").ValueKind);
        Assert.Contains("network namespace", dns.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Equal(["files"], (await nas.AskJsonAsync(Cancel, "status")).GetProperty("dns").GetProperty("aliases").EnumerateArray().Select(e => e.GetString()));

        Assert.True((await nas.AskAsync(Cancel, "leave")).Succeeded);
        await DigUntilAsync(hub, answer => answer.Contains("status: NXDOMAIN", StringComparison.Ordinal), "@10.42.0.1", "nas.tunnelmesh");
        Assert.Contains("status: NXDOMAIN", await DigAsync(hub, "@10.42.0.1", "files.tunnelmesh"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_owner_keeps_an_alias_and_the_second_is_warned_and_gets_it_later()
    {
        Requirements.Programs("dig");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), first = await AddAsync(underlay, "first"), second = await AddAsync(underlay, "second");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await first.JoinAsync(Cancel, server, "dns: { aliases: [files] }");
        await DigUntilAsync(hub, a => a.Contains("10.42.0.2", StringComparison.Ordinal), "@10.42.0.1", "files.tunnelmesh", "+short");
        await second.JoinAsync(Cancel, server, "dns: { aliases: [files, hub, docs] }");
        await second.Program!.WaitForLineAsync("alias=files device=first", Patience, Cancel);
        await second.Program.WaitForLineAsync("alias=hub device=hub", Patience, Cancel);
        await DigUntilAsync(hub, a => a.Contains("10.42.0.3", StringComparison.Ordinal), "@10.42.0.1", "docs.tunnelmesh", "+short");
        await second.AskUntilAsync(s => s.GetProperty("dns").GetProperty("aliases").GetArrayLength() == 1, Cancel, "status");
        string status = (await second.AskAsync(Cancel, "status")).Output;
        Assert.Contains("also called docs:", status, StringComparison.Ordinal);
        Assert.Contains("The alias files is taken by the device first; this peer is without it.", status, StringComparison.Ordinal);
        Assert.Contains("The alias hub is taken by the device hub", status, StringComparison.Ordinal);
        Assert.Equal("10.42.0.2", (await DigAsync(hub, "@10.42.0.1", "files.tunnelmesh", "+short")).Trim());
        Assert.Equal("10.42.0.1", (await DigAsync(hub, "@10.42.0.1", "hub.tunnelmesh", "+short")).Trim());

        // Nobody gets a name that another device has as an alias.
        await using Peer third = await AddAsync(underlay, "files");
        await third.JoinAsync(Cancel, server);
        Assert.Equal("files-2", (await third.AskJsonAsync(Cancel, "status")).GetProperty("name").GetString());

        Assert.Equal(0, await first.StopAsync(Cancel));
        await first.JoinAsync(Cancel, server);
        await DigUntilAsync(hub, a => a.Contains("status: NXDOMAIN", StringComparison.Ordinal), "@10.42.0.1", "files.tunnelmesh");
        Assert.Equal(0, await second.StopAsync(Cancel));
        await second.JoinAsync(Cancel, server, "dns: { aliases: [files] }");
        await DigUntilAsync(hub, a => a.Trim() == "10.42.0.3", "@10.42.0.1", "files.tunnelmesh", "+short");
        Assert.Contains("status: NXDOMAIN", await DigAsync(hub, "@10.42.0.1", "docs.tunnelmesh"), StringComparison.Ordinal);
    }
}
