using System.Net;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.DnsResolver;

public class DnsResponderTests
{
    private const ushort Text = 16, Mail = 15;
    private readonly OffsetClock _clock = new();
    private readonly DnsResponder _responder;

    public DnsResponderTests()
    {
        _responder = new DnsResponder(300, _clock);
        Set(Host("hub", 1, coordinator: true), Host("nas", 2, aliases: ["files", "hub"]), Host("printer", 3, aliases: ["files"]));
    }

    internal static DnsHost Host(string name, int number, bool coordinator = false, params string[] aliases) => new(name, aliases,
        IPAddress.Parse($"10.42.{number >> 8}.{number & 255}"), IPAddress.Parse($"fd12:3456:789a::a2a:{number:x}"), coordinator);

    private void Set(params DnsHost[] hosts)
    {
        IPNetwork[] ranges = [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48")];
        _responder.Zone = DnsZone.Build(hosts, ranges, 7, _responder.NegativeTtl, ["vpn.example.mesh", "gone.tunnelmesh", "printer.mesh", "printer.tm"]);
        _responder.Audience = new DnsAudience([IPAddress.Parse("192.0.2.7"), IPAddress.Parse("10.42.0.2")], ranges);
    }

    private DnsAsk Ask(string name, ushort type = DnsType.A, string source = "127.0.0.1") => DnsAsk.Of(_responder, name, type, source);

    [Theory]
    [InlineData("nas.tunnelmesh", DnsType.A, "10.42.0.2")]
    [InlineData("NAS.Mesh.", DnsType.A, "10.42.0.2")]
    [InlineData("nas.tm", DnsType.A, "10.42.0.2")]
    [InlineData("nas.tm", DnsType.Aaaa, "fd12:3456:789a::a2a:2")]
    [InlineData("nas.tm", DnsType.Any, "10.42.0.2")]
    [InlineData("files.tunnelmesh", DnsType.A, "10.42.0.2")]
    [InlineData("hub.tunnelmesh", DnsType.A, "10.42.0.1")]
    [InlineData("this.tm", DnsType.A, "10.42.0.1")]
    [InlineData("this.tunnelmesh", DnsType.Aaaa, "fd12:3456:789a::a2a:1")]
    public void Names_of_devices_aliases_and_coordinators_are_answered(string name, ushort type, string address)
    {
        DnsAsk answer = Ask(name, type);
        Assert.Equal((DnsVerdict.Answer, DnsResponseCode.NoError), (answer.Verdict, answer.Code));
        Assert.NotEqual(0, answer.Flags & DnsQuery.Authoritative);
        Assert.Equal([$"{name.TrimEnd('.').ToLowerInvariant()}. 300 {address}"], answer.Answers);
    }

    [Theory]
    [InlineData("2.0.42.10.in-addr.arpa", "nas.tunnelmesh.")]
    [InlineData("3.0.0.0.a.2.a.0.0.0.0.0.0.0.0.0.0.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa", "printer.tunnelmesh.")]
    public void Addresses_point_to_names(string name, string target) => Assert.Equal([$"{name}. 300 {target}"], Ask(name, DnsType.Ptr).Answers);

    [Theory]
    [InlineData("nobody.tunnelmesh", "tunnelmesh.")]
    [InlineData("deep.nas.tunnelmesh", "tunnelmesh.")]
    [InlineData("a.mesh", "mesh.")]
    [InlineData("deep.nas.tm", "nas.tm.")]
    [InlineData("9.0.42.10.in-addr.arpa", "42.10.in-addr.arpa.")]
    [InlineData("256.0.42.10.in-addr.arpa", "42.10.in-addr.arpa.")]
    [InlineData("02.0.42.10.in-addr.arpa", "42.10.in-addr.arpa.")]
    [InlineData("1.2.0.42.10.in-addr.arpa", "42.10.in-addr.arpa.")]
    [InlineData("x.42.10.in-addr.arpa", "42.10.in-addr.arpa.")]
    [InlineData("f.0.0.0.a.2.a.0.0.0.0.0.0.0.0.0.0.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa", "a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa.")]
    public void What_does_not_exist_is_told_with_the_SOA_of_its_zone(string name, string zone)
    {
        DnsAsk answer = Ask(name, DnsType.Ptr);
        Assert.Equal(DnsResponseCode.NameError, answer.Code);
        Assert.Empty(answer.Answers);
        Assert.Equal([$"{zone} 10 SOA min 10"], answer.Authorities);
    }

    [Theory]
    [InlineData("nas.tunnelmesh", Mail, "tunnelmesh.")]
    [InlineData("nas.tm", Text, "nas.tm.")]
    [InlineData("tunnelmesh", DnsType.A, "tunnelmesh.")]
    [InlineData("0.42.10.in-addr.arpa", DnsType.Ptr, "42.10.in-addr.arpa.")]
    public void A_name_without_such_a_record_exists_all_the_same(string name, ushort type, string zone)
    {
        DnsAsk answer = Ask(name, type);
        Assert.Equal(DnsResponseCode.NoError, answer.Code);
        Assert.Empty(answer.Answers);
        Assert.Equal([$"{zone} 10 SOA min 10"], answer.Authorities);
    }

    [Theory]
    [InlineData("tunnelmesh", DnsType.Soa, "tunnelmesh. 300 SOA min 10")]
    [InlineData("mesh", DnsType.NS, "mesh. 300 this.tunnelmesh.")]
    [InlineData("nas.tm", DnsType.Soa, "nas.tm. 300 SOA min 10")]
    [InlineData("42.10.in-addr.arpa", DnsType.Soa, "42.10.in-addr.arpa. 300 SOA min 10")]
    [InlineData("tunnelmesh", DnsType.Any, "tunnelmesh. 300 SOA min 10")]
    public void A_zone_names_its_authority(string name, ushort type, string record) => Assert.Equal([record], Ask(name, type).Answers);

    [Theory]
    [InlineData("example.com")]
    [InlineData("")]
    [InlineData("com")]
    [InlineData("tm")]
    [InlineData("nic.tm")]
    [InlineData("nas.example.tm")]
    [InlineData("2.0.43.10.in-addr.arpa")]
    [InlineData("10.in-addr.arpa")]
    [InlineData("in-addr.arpa")]
    [InlineData("arpa")]
    [InlineData("ip6.arpa")]
    [InlineData("8.b.d.0.1.0.0.2.ip6.arpa")]
    [InlineData("gone.tunnelmesh")]
    [InlineData("printer.mesh")]
    [InlineData("printer.tm")]
    public void Names_of_others_are_refused_or_sent_on_for_this_machine_alone(string name)
    {
        Assert.Equal((DnsVerdict.Answer, DnsResponseCode.Refused), (Ask(name).Verdict, Ask(name).Code));
        _responder.Forwards = true;
        Assert.Equal(DnsVerdict.Forward, Ask(name).Verdict);
        Assert.Equal(DnsVerdict.Forward, Ask(name, source: "192.0.2.7").Verdict);
        Assert.Equal((DnsVerdict.Answer, DnsResponseCode.Refused), (Ask(name, source: "10.42.0.3").Verdict, Ask(name, source: "10.42.0.3").Code));
        Assert.Equal(DnsResponseCode.Refused, DnsAsk.Of(_responder, DnsAsk.Query(name, DnsType.A, flags: 0)).Code);
    }

    [Theory]
    [InlineData("192.0.2.8")]
    [InlineData("8.8.8.8")]
    [InlineData("10.43.0.1")]
    [InlineData("fd12:3456:789b::1")]
    [InlineData("2001:db8::1")]
    public void Strangers_get_no_answer_whatever_they_send(string source)
    {
        Assert.Equal(DnsVerdict.Drop, Ask("nas.tunnelmesh", source: source).Verdict);
        Assert.Equal(DnsVerdict.Drop, DnsAsk.Of(_responder, [1, 2, 3], source).Verdict);
        Assert.Equal(2, _responder.Counts.Strangers);
    }

    [Theory]
    [InlineData("10.42.0.9")]
    [InlineData("fd12:3456:789a::9")]
    [InlineData("::ffff:10.42.0.9")]
    [InlineData("::1")]
    public void The_mesh_and_this_machine_are_answered(string source) => Assert.Single(Ask("nas.tunnelmesh", source: source).Answers);

    [Fact]
    public void A_device_that_asks_too_often_waits_and_this_machine_never_does()
    {
        int answered = Enumerable.Range(0, 5000).Count(_ => Ask("nas.tunnelmesh", source: "10.42.0.3").Verdict == DnsVerdict.Answer);
        Assert.Equal(DnsRateLimiter.Burst, answered);
        Assert.Equal(5000 - DnsRateLimiter.Burst, _responder.Counts.Limited);
        Assert.Equal(DnsVerdict.Answer, Ask("nas.tunnelmesh", source: "10.42.0.4").Verdict);
        Assert.All(Enumerable.Range(0, 5000), _ => Assert.Equal(DnsVerdict.Answer, Ask("nas.tunnelmesh", source: "10.42.0.2").Verdict));
        _clock.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(10, Enumerable.Range(0, 100).Count(_ => Ask("nas.tunnelmesh", source: "10.42.0.3").Verdict == DnsVerdict.Answer));
    }

    [Fact]
    public void What_breaks_the_rules_is_told_so_and_answers_are_never_answered()
    {
        Assert.Equal(DnsResponseCode.FormatError, DnsAsk.Of(_responder, Convert.FromHexString("123401000002000000000000")).Code);
        Assert.Equal(DnsResponseCode.NotImplemented, DnsAsk.Of(_responder, DnsAsk.Query("nas.tunnelmesh", DnsType.A, flags: 0x2800)).Code);
        Assert.Equal(DnsVerdict.Drop, DnsAsk.Of(_responder, DnsAsk.Query("nas.tunnelmesh", DnsType.A, flags: 0x8000)).Verdict);
        Assert.Equal(DnsResponseCode.Refused, Ask("tunnelmesh", DnsType.Axfr).Code);
        Assert.Equal(DnsResponseCode.Refused, DnsAsk.Of(_responder, DnsAsk.Query("nas.tunnelmesh", DnsType.A, dnsClass: 3)).Code);
        byte[] future = DnsAsk.Query("nas.tunnelmesh", DnsType.A, 1232);
        future[^5] = 1;
        DnsAsk answer = DnsAsk.Of(_responder, future);
        Assert.Equal((DnsResponseCode.BadVersion, 0), (answer.Code, answer.Answers.Count));
    }

    [Fact]
    public void A_large_answer_is_cut_for_who_takes_less_or_shows_no_cookie_and_whole_over_TCP()
    {
        Set([.. Enumerable.Range(1, 60).Select(i => Host($"c{i}", i, coordinator: true))]);
        byte[] cookie = [1, 2, 3, 4, 5, 6, 7, 8];
        DnsAsk small = Ask("this.tunnelmesh");
        Assert.Equal((0, DnsQuery.Truncated), (small.Answers.Count, small.Flags & DnsQuery.Truncated));
        Assert.Equal(60, DnsAsk.Of(_responder, DnsAsk.Query("this.tunnelmesh", DnsType.A, 4096)).Answers.Count);
        Assert.Equal(60, DnsAsk.Of(_responder, DnsAsk.Query("this.tunnelmesh", DnsType.A), stream: true).Answers.Count);

        DnsAsk first = DnsAsk.Of(_responder, DnsAsk.Query("this.tunnelmesh", DnsType.A, 4096, cookie), "10.42.0.3");
        Assert.Equal((0, DnsQuery.Truncated, DnsCookie.Size), (first.Answers.Count, first.Flags & DnsQuery.Truncated, first.Cookie.Length));
        Assert.Equal(cookie, first.Cookie[..8]);
        Assert.Equal(60, DnsAsk.Of(_responder, DnsAsk.Query("this.tunnelmesh", DnsType.A, 4096, first.Cookie), "10.42.0.3").Answers.Count);
        Assert.Empty(DnsAsk.Of(_responder, DnsAsk.Query("this.tunnelmesh", DnsType.A, 4096, first.Cookie), "10.42.0.4").Answers);
        _clock.Advance(TimeSpan.FromSeconds(3601));
        Assert.Empty(DnsAsk.Of(_responder, DnsAsk.Query("this.tunnelmesh", DnsType.A, 4096, first.Cookie), "10.42.0.3").Answers);
    }

    [Fact]
    public void A_name_is_gone_with_its_device_and_there_with_the_next_map()
    {
        Set(Host("hub", 1, coordinator: true), Host("phone", 4));
        Assert.Equal(DnsResponseCode.NameError, Ask("nas.tunnelmesh").Code);
        Assert.Equal(DnsResponseCode.NameError, Ask("files.tunnelmesh").Code);
        Assert.Equal(DnsResponseCode.NameError, Ask("2.0.42.10.in-addr.arpa", DnsType.Ptr).Code);
        Assert.Equal(DnsResponseCode.Refused, Ask("nas.tm").Code);
        Assert.Single(Ask("phone.tm").Answers);
    }

    [Fact]
    public void Answering_allocates_nothing()
    {
        byte[] query = DnsAsk.Query("nas.tunnelmesh", DnsType.A, 1232, [1, 2, 3, 4, 5, 6, 7, 8]), missing = DnsAsk.Query("nobody.tunnelmesh", DnsType.Aaaa),
            reverse = DnsAsk.Query("3.0.0.0.a.2.a.0.0.0.0.0.0.0.0.0.0.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa", DnsType.Ptr), answer = new byte[DnsResponder.MaxUdp];
        DnsResponder responder = new(300, TimeProvider.System) { Zone = _responder.Zone, Audience = _responder.Audience };
        DnsSource own = DnsSource.Of(IPAddress.Loopback), other = DnsSource.Of(IPAddress.Parse("10.42.0.3"));
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                responder.Answer(query, own, false, answer, out _);
                responder.Answer(missing, other, false, answer, out _);
                responder.Answer(reverse, own, false, answer, out _);
            }
        }));
    }

    [Theory]
    [InlineData("10.42.16.0/20", "9.17.42.10.in-addr.arpa", "17.42.10.in-addr.arpa.")]
    [InlineData("10.42.16.0/28", "9.16.42.10.in-addr.arpa", "9.16.42.10.in-addr.arpa.")]
    [InlineData("10.0.0.0/8", "9.16.42.10.in-addr.arpa", "10.in-addr.arpa.")]
    public void A_range_that_ends_within_an_octet_has_a_zone_for_each_whole_one(string range, string name, string zone)
    {
        _responder.Zone = DnsZone.Build([], [IPNetwork.Parse(range)], 1, 10, []);
        Assert.Equal([$"{zone} 10 SOA min 10"], Ask(name, DnsType.Ptr).Authorities);
        Assert.Equal(DnsResponseCode.Refused, Ask("9.32.43.11.in-addr.arpa", DnsType.Ptr).Code);
    }

    private sealed class OffsetClock : TimeProvider
    {
        private TimeSpan _offset;

        public override long TimestampFrequency => 10_000_000;

        public void Advance(TimeSpan by) => _offset += by;

        public override long GetTimestamp() => _offset.Ticks + 1;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(56) + _offset;
    }

    [Fact]
    public void An_exit_peer_sends_names_of_others_on_for_the_mesh_and_nobody_else()
    {
        DnsResponder exit = new(300, TimeProvider.System) { ServesMesh = true, Forwards = true, Audience = new DnsAudience([], [System.Net.IPNetwork.Parse("10.42.0.0/16")]) };
        Assert.Equal(DnsVerdict.Forward, DnsAsk.Of(exit, "example.com", DnsType.A, "10.42.0.9").Verdict);
        Assert.Equal(DnsVerdict.Drop, DnsAsk.Of(exit, "example.com", DnsType.A, "192.0.2.9").Verdict);
    }
}
