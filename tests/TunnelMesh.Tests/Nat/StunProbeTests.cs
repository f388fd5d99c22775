using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Tests.Nat;

public sealed class StunProbeTests : IDisposable
{
    private readonly StunBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_silent_server_is_asked_quickly_then_given_up_and_asked_again_while_it_is_needed()
    {
        _bench.Probe.IsNeeded = true;
        _bench.Probe.SetServers([StunBench.First]);
        _bench.Advance(3.2);
        Assert.Equal([0, 100, 300, 800, 1300, 1800, 2300], _bench.Sent.Select(s => (int)s.At.TotalMilliseconds));
        Assert.Single(_bench.Sent.Select(s => Convert.ToHexString(s.Request)).Distinct());
        Assert.False(_bench.Probe.IsBlocked);
        _bench.Advance(0.1);
        Assert.True(_bench.Probe.IsBlocked);
        Assert.Equal(1, _bench.Changes);
        _bench.Advance(4.9);
        Assert.Equal(7, _bench.Sent.Count);
        _bench.Advance(0.1);
        Assert.Equal(8, _bench.Sent.Count);
        Assert.NotEqual(_bench.Sent[0].Request, _bench.Sent[7].Request);
        // A day of silence costs little.
        _bench.Advance(86_400);
        Assert.InRange(_bench.Sent.Count, 200 * 7, 300 * 7);
    }

    [Fact]
    public void A_round_is_settled_once_each_server_has_answered_or_was_given_up()
    {
        Assert.True(_bench.Probe.IsSettled);
        _bench.Probe.SetServers([StunBench.First, StunBench.Second]);
        _bench.Answer(StunBench.First, "203.0.113.5:40000");
        Assert.False(_bench.Probe.IsSettled);
        _bench.Advance(3.4);
        Assert.True(_bench.Probe.IsSettled);
        _bench.Probe.NetworkChanged();
        Assert.False(_bench.Probe.IsSettled);
        _bench.Answer(StunBench.First, "203.0.113.5:40000");
        _bench.Answer(StunBench.Second, "203.0.113.5:40000");
        Assert.True(_bench.Probe.IsSettled);
    }

    [Fact]
    public void A_server_that_answers_is_not_asked_on_while_no_mapping_is_needed()
    {
        _bench.Probe.SetServers([StunBench.First]);
        _bench.Advance(0.02);
        Assert.True(_bench.Answer(StunBench.First, "203.0.113.5:40000"));
        StunObservation seen = Assert.Single(_bench.Probe.V4.Servers);
        Assert.Equal((StunBench.Endpoint("203.0.113.5:40000"), TimeSpan.FromMilliseconds(20)), (seen.Mapped, seen.RoundTrip));
        _bench.Advance(3600);
        Assert.Single(_bench.Sent);

        _bench.Probe.IsNeeded = true;
        Assert.Equal(2, _bench.Sent.Count);
        Assert.True(_bench.Answer(StunBench.First, "203.0.113.5:40000"));
        _bench.Advance(24.9);
        Assert.Equal(2, _bench.Sent.Count);
        _bench.Advance(0.1);
        Assert.Equal(3, _bench.Sent.Count);
    }

    [Fact]
    public void Without_a_NAT_nothing_is_kept_alive()
    {
        _bench.Probe.IsNeeded = true;
        _bench.Probe.SetServers([StunBench.First, StunBench.V6]);
        _bench.Answer(StunBench.First, $"192.168.7.2:{StunBench.LocalPort}");
        _bench.Answer(StunBench.V6, $"[2001:db8:77::2]:{StunBench.LocalPort}");
        Assert.Equal((MappingBehaviour.None, MappingBehaviour.None), (_bench.Probe.V4.Behaviour, _bench.Probe.V6.Behaviour));
        _bench.Advance(3600);
        Assert.Equal(2, _bench.Sent.Count);
    }

    [Theory]
    [InlineData("203.0.113.5:2223", "203.0.113.5:2223", MappingBehaviour.EndpointIndependent, true)]
    [InlineData("203.0.113.5:4000", "203.0.113.5:4000", MappingBehaviour.EndpointIndependent, false)]
    [InlineData("203.0.113.5:4000", "203.0.113.5:4001", MappingBehaviour.Dependent, false)]
    [InlineData("203.0.113.5:2223", "203.0.113.6:2223", MappingBehaviour.Dependent, true)]
    [InlineData("192.168.7.2:2223", "192.168.7.2:2223", MappingBehaviour.None, true)]
    [InlineData("192.168.7.2:2224", "192.168.7.2:2224", MappingBehaviour.EndpointIndependent, false)]
    public void Two_servers_tell_how_the_NAT_maps(string first, string second, MappingBehaviour behaviour, bool preserved)
    {
        _bench.Probe.SetServers([StunBench.First, StunBench.Second]);
        _bench.Answer(StunBench.First, first);
        _bench.Answer(StunBench.Second, second);
        Assert.Equal((behaviour, preserved), (_bench.Probe.V4.Behaviour, _bench.Probe.V4.PortPreserved));
    }

    [Theory]
    [InlineData("192.168.7.2:2223", "203.0.113.5:4000", MappingBehaviour.Unknown, "203.0.113.5:4000")]
    [InlineData("10.9.9.9:5000", "203.0.113.5:4000", MappingBehaviour.Unknown, "203.0.113.5:4000 10.9.9.9:5000")]
    [InlineData("10.9.9.9:5000", "10.9.9.9:5001", MappingBehaviour.Dependent, "10.9.9.9:5000 10.9.9.9:5001")]
    public void A_server_on_this_side_of_a_NAT_tells_nothing_of_it(string near, string far, MappingBehaviour behaviour, string endpoints)
    {
        _bench.Probe.SetServers([StunBench.First, StunBench.Second]);
        _bench.Answer(StunBench.First, near);
        _bench.Answer(StunBench.Second, far);
        Assert.Equal((behaviour, endpoints), (_bench.Probe.V4.Behaviour, string.Join(' ', _bench.Probe.V4.Endpoints)));
    }

    [Fact]
    public void A_second_port_that_answers_late_is_news_since_an_easy_NAT_takes_two_to_believe()
    {
        _bench.Probe.IsNeeded = true;
        _bench.Probe.SetServers([StunBench.First, StunBench.FirstPort]);
        _bench.Answer(StunBench.First, "203.0.113.5:4000");
        _bench.Advance(3.4);
        Assert.True(_bench.Probe.IsSettled);
        Assert.Equal(NatKind.Unknown, NatReport.Of(_bench.Probe, null).Kind);
        int changes = _bench.Changes;
        _bench.Advance(5);
        _bench.Answer(StunBench.FirstPort, "203.0.113.5:4000");
        Assert.Equal((NatKind.Easy, changes + 1), (NatReport.Of(_bench.Probe, null).Kind, _bench.Changes));
    }

    [Fact]
    public void Two_ports_of_one_address_do_not_tell_unless_they_differ()
    {
        _bench.Probe.SetServers([StunBench.First, StunBench.FirstPort]);
        _bench.Answer(StunBench.First, "203.0.113.5:4000");
        _bench.Answer(StunBench.FirstPort, "203.0.113.5:4000");
        Assert.Equal(MappingBehaviour.Unknown, _bench.Probe.V4.Behaviour);
        _bench.Probe.NetworkChanged();
        _bench.Answer(StunBench.First, "203.0.113.5:4000");
        _bench.Answer(StunBench.FirstPort, "203.0.113.5:4001");
        Assert.Equal(MappingBehaviour.Dependent, _bench.Probe.V4.Behaviour);
    }

    [Fact]
    public void A_change_of_the_network_asks_everybody_at_once_and_keeps_what_is_known_until_then()
    {
        _bench.Probe.SetServers([StunBench.First, StunBench.Second]);
        _bench.Answer(StunBench.First, "203.0.113.5:4000");
        _bench.Answer(StunBench.Second, "203.0.113.5:4000");
        int changes = _bench.Changes;
        _bench.Advance(100);
        _bench.Probe.NetworkChanged();
        Assert.Equal(4, _bench.Sent.Count);
        Assert.Equal(MappingBehaviour.EndpointIndependent, _bench.Probe.V4.Behaviour);
        _bench.Answer(StunBench.First, "198.18.0.7:5000");
        // Each answer is told, and so is that all have settled.
        _bench.Answer(StunBench.Second, "198.18.0.7:5000");
        Assert.Equal([StunBench.Endpoint("198.18.0.7:5000")], _bench.Probe.V4.Endpoints);
        Assert.True(_bench.Changes > changes);
        Assert.Equal(MappingBehaviour.EndpointIndependent, _bench.Probe.V4.Behaviour);
    }

    [Fact]
    public void A_new_mapping_seen_by_one_server_asks_the_others()
    {
        _bench.Probe.IsNeeded = true;
        _bench.Probe.SetServers([StunBench.First]);
        _bench.Answer(StunBench.First, "203.0.113.5:4000");
        _bench.Advance(10);
        _bench.Probe.SetServers([StunBench.First, StunBench.Second]);
        _bench.Answer(StunBench.Second, "203.0.113.5:4000");
        _bench.Advance(15);
        int sent = _bench.Sent.Count;
        _bench.Answer(StunBench.First, "203.0.113.5:4777");
        Assert.Equal(StunBench.Second, Assert.Single(_bench.Sent.Skip(sent)).Server);
        _bench.Answer(StunBench.Second, "203.0.113.5:4777");
        Assert.Equal(MappingBehaviour.EndpointIndependent, _bench.Probe.V4.Behaviour);
    }

    [Fact]
    public void Forged_late_doubled_and_absurd_answers_are_counted_and_change_nothing()
    {
        _bench.Probe.SetServers([StunBench.First, StunBench.Second]);
        // Another sender; another server's request; no address that can be ours.
        Assert.False(_bench.Answer(StunBench.First, "203.0.113.66:1", from: StunBench.Second));
        Assert.False(_bench.Answer(StunBench.First, "127.0.0.1:1"));
        Assert.False(_bench.Answer(StunBench.First, "0.0.0.0:1"));
        Assert.False(_bench.Answer(StunBench.First, "[2001:db8::66]:1"));
        byte[] forged = new byte[StunBinding.MaxAnswerSize];
        StunWriter writer = new(forged, StunClass.Success, new StunTransactionId(99, 99));
        writer.AddXorMapped(StunAddress.FromIPv4(0xcb007142, 7));
        Assert.True(_bench.Probe.Handle(forged.AsSpan(0, writer.Length), StunBench.First));
        Assert.True(_bench.Probe.Handle(_bench.Sent[0].Request, StunBench.First));
        Assert.Empty(_bench.Probe.V4.Endpoints);
        Assert.Equal(6, _bench.Probe.Counters.Ignored);
        Assert.True(_bench.Answer(StunBench.First, "203.0.113.5:4000"));
        Assert.False(_bench.Answer(StunBench.First, "203.0.113.66:1"));
        Assert.Equal([StunBench.Endpoint("203.0.113.5:4000")], _bench.Probe.V4.Endpoints);
    }

    [Fact]
    public void A_server_that_refuses_is_given_up_at_once()
    {
        _bench.Probe.SetServers([StunBench.First]);
        byte[] error = new byte[100];
        StunWriter writer = new(error, StunClass.Error, StunTransactionId.Read(_bench.Sent[0].Request.AsSpan(8)));
        writer.AddErrorCode(500);
        Assert.True(_bench.Probe.Handle(error.AsSpan(0, writer.Length), StunBench.First));
        Assert.True(_bench.Probe.IsBlocked);
        _bench.Advance(60);
        Assert.Single(_bench.Sent);
    }

    [Fact]
    public void Other_datagrams_of_the_port_are_left_alone()
    {
        byte[] initiation = new byte[148];
        initiation[0] = 1;
        initiation.AsSpan(4, 4).Fill(0x42);
        Assert.False(_bench.Probe.Handle(initiation, StunBench.First));
        Assert.False(_bench.Probe.Handle([], StunBench.First));
        Assert.Equal(default, _bench.Probe.Counters);
    }

    [Fact]
    public void Servers_that_stay_are_not_asked_anew_and_too_many_are_left_out()
    {
        _bench.Probe.SetServers([StunBench.First]);
        _bench.Answer(StunBench.First, "203.0.113.5:4000");
        _bench.Probe.SetServers([.. Enumerable.Range(1, 20).Select(i => StunBench.Endpoint($"198.51.100.{i}:3478")), default]);
        Assert.Equal(StunProbe.MaxServers, _bench.Sent.Select(s => s.Server).Distinct().Count());
        Assert.Equal(StunProbe.MaxServers, _bench.Sent.Count);
        Assert.Contains(StunBench.Endpoint("203.0.113.5:4000"), _bench.Probe.V4.Endpoints);
    }

    [Fact]
    public void Nothing_is_sent_after_the_end()
    {
        _bench.Probe.SetServers([StunBench.First]);
        _bench.Probe.Dispose();
        _bench.Advance(60);
        _bench.Probe.NetworkChanged();
        Assert.Single(_bench.Sent);
    }
}
