using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Tests.Nat;

public sealed class PortMapperTests : IAsyncLifetime
{
    private const int Port = 2223;
    private readonly FakeTimeProvider _time = new();
    private readonly FakeGateway _gateway = new();
    private volatile NetworkState _network = new([], new DefaultRoute(FakeGateway.Address, "eth0", FakeGateway.Client), null);
    private PortMapper? _mapper;
    private int _changes;

    private PortMapper Mapper => _mapper ??= PortMapper.Start(
        new PortMapperOptions { Port = Port, Network = () => _network, Time = _time, Changed = () => Interlocked.Increment(ref _changes) }, _gateway);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await EndAsync();

    // Releasing is bounded by virtual time, too.
    private async Task EndAsync()
    {
        if (_mapper is { } mapper)
        {
            _mapper = null;
            Task end = mapper.DisposeAsync().AsTask();
            while (!end.IsCompleted)
            {
                _time.Advance(TimeSpan.FromMilliseconds(50));
                await Task.Delay(1, CancellationToken.None);
            }

            await end;
        }
    }

    private async Task UntilAsync(Func<bool> condition, double step = 0.05)
    {
        _ = Mapper;
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 5000, $"{Mapper.Counters} {Mapper.Problem}");
            _time.Advance(TimeSpan.FromSeconds(step));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    private int Requests
    {
        get
        {
            lock (_gateway.Requests)
            {
                return _gateway.Requests.Count;
            }
        }
    }

    private byte[] Request(Index at)
    {
        lock (_gateway.Requests)
        {
            return _gateway.Requests[at];
        }
    }

    [Fact]
    public async Task PCP_comes_first_and_is_renewed_at_half_life_with_the_same_nonce_and_given_back()
    {
        _gateway.Udp = r => FakeGateway.IsPcp(r) ? [FakeGateway.PcpAnswer(r, "203.0.113.5", 4000, lifetime: 600, epoch: (uint)_time.GetElapsedTime(0).TotalSeconds)] : [];
        await UntilAsync(() => Mapper.V4 is not null);
        Assert.Equal((PortMappingMethod.Pcp, "203.0.113.5:4000", true), (Mapper.V4!.Method, Mapper.V4.External.ToString(), Mapper.V4.IsPublic));
        Assert.Null(Mapper.Problem);
        DateTimeOffset expires = Mapper.V4.Expires;
        await UntilAsync(() => Mapper.Counters.Renewed == 1, step: 1);
        Assert.InRange(Mapper.V4.Expires - expires, TimeSpan.FromSeconds(295), TimeSpan.FromSeconds(330));
        Assert.Equal(Request(0)[24..36], Request(1)[24..36]);
        // The renewal asks for what it has.
        Assert.Equal((4000, 1), ((Request(1)[42] << 8) + Request(1)[43], _changes));
        await EndAsync();
        Assert.Equal((0U, 3), (FakeGateway.Lifetime(Request(^1)), Requests));
    }

    [Fact]
    public async Task A_gateway_of_NAT_PMP_says_so_and_is_asked_so_at_once()
    {
        _gateway.Udp = r => r switch
        {
            [2, ..] => [[0, 0x81, 0, 1, 0, 0, 0, 7]],
            [0, 0] => [Convert.FromHexString("0080000000000007cb007105")],
            _ => [[0, 0x81, 0, 0, 0, 0, 0, 7, .. r[4..6], 0x0f, 0xa0, .. r[8..12]]],
        };
        await UntilAsync(() => Mapper.V4 is not null);
        Assert.Equal((PortMappingMethod.NatPmp, "203.0.113.5:4000"), (Mapper.V4!.Method, Mapper.V4.External.ToString()));
        Assert.Equal(3, Requests);
        await EndAsync();
        Assert.Equal([0, 1, 0, 0, 0x08, 0xaf, 0, 0, 0, 0, 0, 0], Request(^1));
    }

    [Fact]
    public async Task UPnP_takes_another_port_and_a_lease_without_end_where_it_has_to()
    {
        _gateway.Listens = false;
        _gateway.Location = $"http://{FakeGateway.Address}:5000/root.xml";
        int adds = 0;
        string deleted = "";
        _gateway.Http = (action, body) =>
        {
            switch (action)
            {
                case "":
                    return FakeGateway.Description();
                case "GetExternalIPAddress":
                    return FakeGateway.Soap("<r><NewExternalIPAddress>203.0.113.5</NewExternalIPAddress></r>");
                case "AddPortMapping":
                    return ++adds switch
                    {
                        1 => FakeGateway.Fault(IgdReply.Conflict),
                        2 => FakeGateway.Fault(IgdReply.OnlyPermanent),
                        _ => FakeGateway.Soap("<r/>"),
                    };
                default:
                    deleted = body;
                    return FakeGateway.Soap("<r/>");
            }
        };
        await UntilAsync(() => Mapper.V4 is not null);
        PortMapping mapping = Mapper.V4!;
        Assert.Equal((PortMappingMethod.Upnp, 3), (mapping.Method, adds));
        Assert.InRange(mapping.External.Port, 1024, 65535);
        Assert.NotEqual(Port, mapping.External.Port);
        await EndAsync();
        Assert.Contains($"<NewExternalPort>{mapping.External.Port}</NewExternalPort>", deleted, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UPnP_version_2_chooses_a_free_port_by_itself()
    {
        _gateway.Listens = false;
        _gateway.Location = $"http://{FakeGateway.Address}:5000/root.xml";
        _gateway.Http = (action, _) => action switch
        {
            "" => FakeGateway.Description("WANIPConnection:2"),
            "GetExternalIPAddress" => FakeGateway.Soap("<r><NewExternalIPAddress>203.0.113.5</NewExternalIPAddress></r>"),
            "AddAnyPortMapping" => FakeGateway.Soap("<r><NewReservedPort>4001</NewReservedPort></r>"),
            _ => FakeGateway.Soap("<r/>"),
        };
        await UntilAsync(() => Mapper.V4 is not null);
        Assert.Equal("203.0.113.5:4001", Mapper.V4!.External.ToString());
    }

    [Fact]
    public async Task A_gateway_described_by_another_host_is_not_asked()
    {
        _gateway.Listens = false;
        _gateway.Location = "http://192.168.7.66:5000/root.xml";
        _gateway.Http = (_, _) => throw new InvalidOperationException("asked");
        await UntilAsync(() => Mapper.Counters.Lies > 0);
        Assert.Empty(_gateway.Actions);
        Assert.Null(Mapper.V4);
    }

    [Theory]
    [InlineData("0.0.0.0", 4000)]
    [InlineData("127.0.0.1", 4000)]
    [InlineData("169.254.1.1", 4000)]
    [InlineData("224.0.0.1", 4000)]
    [InlineData("255.255.255.255", 4000)]
    [InlineData("192.168.7.2", 4000)]
    [InlineData("2001:db8::7", 4000)]
    [InlineData("203.0.113.5", 0)]
    public async Task An_endpoint_that_cannot_be_is_not_believed(string address, int port)
    {
        _gateway.Udp = r => FakeGateway.IsPcp(r) ? [FakeGateway.PcpAnswer(r, address, port)] : [];
        await UntilAsync(() => Mapper.Counters.Lies > 0);
        Assert.Null(Mapper.V4);
    }

    [Theory]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.9")]
    [InlineData("192.168.100.5")]
    public async Task A_private_endpoint_is_kept_and_marked(string address)
    {
        _gateway.Udp = r => FakeGateway.IsPcp(r) ? [FakeGateway.PcpAnswer(r, address, 4000)] : [];
        await UntilAsync(() => Mapper.V4 is not null);
        Assert.False(Mapper.V4!.IsPublic);
    }

    [Fact]
    public async Task Answers_with_another_nonce_or_port_are_counted_and_passed_over()
    {
        _gateway.Udp = r =>
        {
            if (!FakeGateway.IsPcp(r))
            {
                return [];
            }

            byte[] good = FakeGateway.PcpAnswer(r, "203.0.113.5", 4000), nonce = [.. good], port = [.. good];
            nonce[30] ^= 1;
            nonce[59] = 66;
            port[41] ^= 1;
            port[59] = 66;
            return [nonce, port, [], [1, 2, 3], good];
        };
        await UntilAsync(() => Mapper.V4 is not null);
        Assert.Equal("203.0.113.5:4000", Mapper.V4!.External.ToString());
        Assert.Equal(2, Mapper.Counters.Lies);
    }

    [Fact]
    public async Task A_flood_of_wrong_answers_ends_the_attempt()
    {
        _gateway.Udp = r => Enumerable.Repeat<byte[]>([9, 9, 9, 9], 10_000);
        _gateway.Location = null;
        await UntilAsync(() => Mapper.Problem is not null);
        // Sixteen are looked at, over all repeats of a request.
        Assert.InRange(Requests, 2, 6);
    }

    [Fact]
    public async Task A_silent_gateway_is_asked_ever_more_seldom_and_a_change_of_the_network_asks_at_once()
    {
        await UntilAsync(() => Mapper.Problem is not null && Requests == 6);
        int before = Requests;
        await UntilAsync(() => Requests > before, step: 5);
        await UntilAsync(() => Requests == 12);
        before = Requests;
        // Two minutes now; nobody waits for them after a change.
        Mapper.Refresh();
        await UntilAsync(() => Requests > before);
    }

    [Fact]
    public async Task An_announcement_of_the_gateway_renews_and_one_of_somebody_else_does_not()
    {
        uint epoch = 5000;
        _gateway.Udp = r => FakeGateway.IsPcp(r) ? [FakeGateway.PcpAnswer(r, "203.0.113.5", 4000, epoch: epoch)] : [];
        await UntilAsync(() => Mapper.V4 is not null);
        await UntilAsync(() => _gateway.Announce.Target is not null);
        byte[] restart = Convert.FromHexString("028000000000000000000001000000000000000000000000");
        _gateway.Announce(restart, IPAddress.Parse("192.168.7.66"));
        Assert.Equal(0, Mapper.Counters.Restarts);
        epoch = 1;
        _gateway.Announce(restart, FakeGateway.Address);
        Assert.Equal(1, Mapper.Counters.Restarts);
        await UntilAsync(() => Mapper.Counters.Renewed == 1, step: 0.2);
        Assert.Equal(0, Mapper.Counters.Lost);
    }

    [Fact]
    public async Task A_gateway_that_started_anew_and_stays_silent_has_lost_the_mapping()
    {
        bool silent = false;
        _gateway.Udp = r => FakeGateway.IsPcp(r) && !silent ? [FakeGateway.PcpAnswer(r, "203.0.113.5", 4000, epoch: 5000)] : [];
        await UntilAsync(() => Mapper.V4 is not null);
        silent = true;
        _gateway.Announce(Convert.FromHexString("028000000000000000000001000000000000000000000000"), FakeGateway.Address);
        await UntilAsync(() => Mapper.V4 is null, step: 0.2);
        Assert.Equal((1, 2), (Mapper.Counters.Lost, _changes));
    }

    [Fact]
    public async Task A_mapping_that_cannot_be_renewed_stands_until_its_end()
    {
        bool silent = false;
        _gateway.Udp = r => FakeGateway.IsPcp(r) && !silent ? [FakeGateway.PcpAnswer(r, "203.0.113.5", 4000, lifetime: 100)] : [];
        await UntilAsync(() => Mapper.V4 is not null);
        DateTimeOffset expires = Mapper.V4!.Expires;
        silent = true;
        await UntilAsync(() => Mapper.V4 is null, step: 0.2);
        Assert.InRange(_time.GetUtcNow() - expires, TimeSpan.FromSeconds(-5), TimeSpan.FromSeconds(5));
        Assert.Equal(1, Mapper.Counters.Lost);
        // Half-life, then at growing pauses: not a request every second.
        Assert.InRange(Requests, 4, 40);
    }

    [Fact]
    public async Task Another_gateway_is_asked_anew_with_another_nonce()
    {
        _gateway.Udp = r => FakeGateway.IsPcp(r) ? [FakeGateway.PcpAnswer(r, "203.0.113.5", 4000)] : [];
        await UntilAsync(() => Mapper.V4 is not null);
        _network = _network with { V4 = null };
        Mapper.Refresh();
        await UntilAsync(() => Mapper.V4 is null, step: 0.2);
        _network = _network with { V4 = new DefaultRoute(FakeGateway.Address, "eth1", FakeGateway.Client) };
        Mapper.Refresh();
        await UntilAsync(() => Mapper.V4 is not null, step: 0.2);
        Assert.NotEqual(Request(0)[24..36], Request(^1)[24..36]);
        Assert.Equal((2, 1), (Mapper.Counters.Made, Mapper.Counters.Lost));
    }
}
