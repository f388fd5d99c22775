using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Limits;

namespace TunnelMesh.Tests.Coordinator;

public sealed class ConnectionGateTests
{
    private readonly List<string> _cut = [];
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ConnectionGate.Slot Enter(ConnectionGate gate, string address, string name) => gate.Enter(IPAddress.Parse(address), () => _cut.Add(name));

    [Fact]
    public void The_newest_gets_in_and_the_oldest_of_its_own_address_is_cut()
    {
        ConnectionGate gate = new(2, 100, TimeSpan.Zero, _time);
        Enter(gate, "192.0.2.1", "a");
        ConnectionGate.Slot member = Enter(gate, "192.0.2.1", "b");
        member.Leave();
        Enter(gate, "::ffff:192.0.2.1", "c");
        Assert.Empty(_cut);
        Enter(gate, "192.0.2.1", "d");
        Enter(gate, "192.0.2.2", "e");
        Assert.Equal(["a"], _cut);
        Enter(gate, "2001:db8::1", "f");
        Enter(gate, "2001:db8::2", "g");
        Enter(gate, "2001:db8:0:1::1", "h");
        Enter(gate, "2001:db8::ffff:3", "i");
        Assert.Equal(["a", "f"], _cut);
    }

    [Fact]
    public void A_whole_site_that_comes_back_at_once_is_let_in_and_what_then_lingers_is_cut()
    {
        ConnectionGate gate = new(2, 1000, TimeSpan.FromSeconds(5), _time);
        ConnectionGate.Slot[] site = [.. Enumerable.Range(1, 100).Select(i => Enter(gate, "192.0.2.1", $"{i}"))];
        Assert.Empty(_cut);
        foreach (ConnectionGate.Slot member in site.Skip(10))
        {
            member.Leave();
        }
        _time.Advance(TimeSpan.FromSeconds(5));
        Enter(gate, "192.0.2.1", "later");
        Assert.Equal(Enumerable.Range(1, 9).Select(i => $"{i}"), _cut);
        Assert.Equal(2, gate.Count);
    }

    [Fact]
    public void In_all_the_oldest_is_cut_and_who_left_counts_no_more()
    {
        ConnectionGate gate = new(100, 3, TimeSpan.FromSeconds(5), _time);
        ConnectionGate.Slot[] slots = [.. Enumerable.Range(1, 5).Select(i => Enter(gate, $"192.0.2.{i}", $"{i}"))];
        Assert.Equal(["1", "2"], _cut);
        foreach (ConnectionGate.Slot slot in slots.Concat(slots))
        {
            slot.Leave();
        }
        Assert.Equal(0, gate.Count);
        Assert.Equal(2, _cut.Count);
    }

    [Fact]
    public void One_address_has_half_of_the_places_at_most_however_young_its_connections_are()
    {
        ConnectionGate gate = new(2, 20, TimeSpan.FromSeconds(5), _time);
        foreach (int i in Enumerable.Range(1, 100))
        {
            Enter(gate, i % 2 == 0 ? "2001:db8::1" : "2001:db8::2", $"{i}");
        }
        Assert.Equal(Enumerable.Range(1, 90).Select(i => $"{i}"), _cut);
        Assert.Equal(10, gate.Count);
    }

    [Fact]
    public void Whoever_opens_ever_new_connections_cuts_nobody_elses_and_a_newcomer_gets_in()
    {
        ConnectionGate gate = new(2, 20, TimeSpan.FromSeconds(5), _time);
        Enter(gate, "192.0.2.1", "before");
        for (int i = 0; i < 1000; i++)
        {
            // Two addresses, so that together they have every place.
            Enter(gate, $"203.0.113.{i % 2}", "flood");
            if (i == 500)
            {
                Enter(gate, "192.0.2.2", "newcomer");
            }
        }
        Assert.Equal(20, gate.Count);
        Assert.All(_cut, name => Assert.Equal("flood", name));

        // Where all have as many the oldest goes, as ever.
        for (int i = 0; i < 40; i++)
        {
            Enter(gate, $"198.51.100.{i}", "other");
        }
        Assert.Contains("before", _cut);
        Assert.Contains("newcomer", _cut);
    }

    [Fact]
    public async Task Whoever_only_holds_connections_open_keeps_no_member_out()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { StrangersPerAddress = 4, StrangerGrace = TimeSpan.Zero });
        TestPeer member = await mesh.PeerAsync("member");
        await member.SeesAsync("member", online: true);
        List<TcpClient> held = [];
        try
        {
            List<SslStream> streams = [];
            for (int i = 0; i < 12; i++)
            {
                TcpClient client = new();
                held.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, mesh.Server.Port, Cancel);
                streams.Add(new SslStream(client.GetStream(), false, (_, certificate, _, _) => certificate is not null));
                await streams[^1].AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "hub" }, Cancel);
            }
            // The first eight are gone, whatever they were waiting for.
            foreach (SslStream cut in streams.Take(8))
            {
                Exception? ended = await Record.ExceptionAsync(async () => Assert.Equal(0, await cut.ReadAsync(new byte[1], Cancel)));
                Assert.True(ended is null or IOException, $"{ended}");
            }
            TestPeer newcomer = await mesh.PeerAsync("newcomer");
            await newcomer.SeesAsync("member", online: true);
            await member.SeesAsync("newcomer", online: true);
            Assert.DoesNotContain(member.States, s => s.Phase == ControlPhase.Disconnected);
        }
        finally
        {
            held.ForEach(c => c.Dispose());
        }
    }
}
