using System.Net;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Dns;
using TunnelMesh.Tests.DnsResolver;
using TunnelMesh.Tests.NodeControl;

namespace TunnelMesh.Tests.Cli;

/// <summary>Which names the resolver takes for the mesh's, on contexts of a home of the test's own.</summary>
public sealed class PeerZoneTests : IDisposable
{
    private readonly CommandLine _cli = new();
    private readonly DnsResponder _responder = new(300, TimeProvider.System) { Forwards = true };

    private HomeLayout Layout => _cli.Context().Layout;

    public void Dispose() => _cli.Dispose();

    private PeerZone Make()
    {
        ContextStore contexts = new(Layout);
        PeerZone zone = new(_responder, [IPNetwork.Parse("10.42.0.0/16")], "vpn.mesh", () => PeerZone.OtherServers(contexts, ContextName.Default));
        zone.Refresh();
        return zone;
    }

    private void Join(string context, string server)
    {
        new ContextStore(Layout).Ensure(context);
        using MeshAuthority authority = MeshAuthority.Open(_cli.PathOf("ca"), [IPNetwork.Parse("10.43.0.0/16")], TimeProvider.System);
        new PeerStore(Layout.ContextDirectory(context), TimeProvider.System).SaveMembership(new PeerMembership
        {
            Server = server,
            MeshRoot = authority.Root.RawData,
            Mesh = new MeshInfo { MeshId = "123456789a", Cidr = "10.42.0.0/16", Cidr6 = "fd12:3456:789a::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 60 },
            Device = NetworkMapTests.Device("elsewhere", 9),
        });
    }

    private static NetworkMap Map(params string[] names) =>
        NetworkMap.FromFull(NetworkMapTests.Full([.. names.Select((n, i) => NetworkMapTests.Device(n, i + 2))]), new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch.AddYears(50)).Map;

    // What becomes of a question: an answer of the mesh's, or others are asked.
    private string Ask(string name)
    {
        DnsAsk answer = DnsAsk.Of(_responder, name, DnsType.A);
        return answer.Verdict == DnsVerdict.Forward ? "others" : answer.Code == DnsResponseCode.NameError ? "nobody" : answer.Answers.Count > 0 ? "device" : "empty";
    }

    [Fact]
    public void Names_by_which_other_contexts_dial_their_coordinators_are_asked_of_others()
    {
        Join("work", "x.mesh:8443");
        Join("home", "office.tm");
        PeerZone zone = Make();
        zone.Take(Map("nas", "office", "vpn"));
        Assert.Equal(["device", "others", "others", "device", "others", "nobody"], new[] { "nas.mesh", "x.mesh", "office.tm", "office.tunnelmesh", "vpn.mesh", "y.mesh" }.Select(Ask));
    }

    [Fact]
    public void Contexts_that_come_and_go_are_followed()
    {
        PeerZone zone = Make();
        zone.Take(Map("nas"));
        Assert.Equal("nobody", Ask("x.tunnelmesh"));
        Join("work", "x.tunnelmesh");
        zone.Refresh();
        Assert.Equal(("others", "device"), (Ask("x.tunnelmesh"), Ask("nas.tunnelmesh")));
        // The map knows nothing of them.
        zone.Take(Map("nas", "x"));
        Assert.Equal("others", Ask("x.tunnelmesh"));
        Join("work", "192.0.2.1:8443");
        zone.Refresh();
        Assert.Equal("device", Ask("x.tunnelmesh"));
        File.WriteAllText(Path.Combine(Layout.ContextDirectory("work"), "mesh.json"), "damaged");
        zone.Refresh();
        Assert.Equal("device", Ask("x.tunnelmesh"));
    }
}
