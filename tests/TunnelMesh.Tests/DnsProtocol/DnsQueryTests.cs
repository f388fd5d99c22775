using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsProtocol;

public class DnsQueryTests
{
    private const string Question = "036e61730a74756e6e656c6d6573680000010001", Cookie = "00002904d000000000000c000a0008a1b2c3d4e5f60718";

    private static DnsQueryStatus Parse(string hex, out DnsQuery query) => DnsQuery.Parse(Convert.FromHexString(hex), new byte[DnsName.MaxBytes], out query);

    [Fact]
    public void A_query_with_EDNS_and_a_cookie_is_read()
    {
        DnsQueryStatus status = Parse("123401100001000000000001" + Question + "00002904d000008000000c000a0008a1b2c3d4e5f60718", out DnsQuery query);
        Assert.Equal(DnsQueryStatus.Sound, status);
        Assert.Equal((0x1234, 0x0110, DnsType.A, DnsClass.Internet), (query.Id, query.Flags, query.Type, query.Class));
        Assert.True(query.HasEdns && query.DnssecOk);
        Assert.Equal((1232, 0, 8), (query.UdpSize, query.EdnsVersion, query.Cookie.Length));
        Assert.Equal(Question[..^8], Convert.ToHexStringLower(query.Name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1234010000010000000000")]
    [InlineData("123480000001000000000000" + Question)]
    public void What_is_too_short_or_an_answer_is_never_answered(string hex) => Assert.Equal(DnsQueryStatus.NoQuery, Parse(hex, out _));

    [Theory]
    [InlineData("123428000001000000000000" + Question)]
    [InlineData("123420000001000000000000" + Question)]
    public void Updates_and_notices_are_another_operation(string hex) => Assert.Equal(DnsQueryStatus.OtherOperation, Parse(hex, out _));

    [Theory]
    [InlineData("no question", "123401000000000000000000")]
    [InlineData("two questions", "123401000002000000000000" + Question + Question)]
    [InlineData("no such question", "123401000001000000000000")]
    [InlineData("a cut question", "123401000001000000000000" + "036e61730a74756e6e656c6d65736800000100")]
    [InlineData("a compressed question", "123401000001000000000000" + "036e6173c00c00010001")]
    [InlineData("bytes after the end", "123401000001000000000000" + Question + "00")]
    [InlineData("a missing record", "123401000001000000000001" + Question)]
    [InlineData("EDNS twice", "123401000001000000000002" + Question + "00002904d0000000000000" + "00002904d0000000000000")]
    [InlineData("EDNS among the answers", "123401000001000100000000" + Question + "00002904d0000000000000")]
    [InlineData("EDNS below a name", "123401000001000000000001" + Question + "016100002904d0000000000000")]
    [InlineData("an option that is cut", "123401000001000000000001" + Question + "00002904d0000000000004000a0008")]
    [InlineData("a cookie of 7 bytes", "123401000001000000000001" + Question + "00002904d000000000000b000a0007a1b2c3d4e5f607")]
    [InlineData("a cookie of 15 bytes", "123401000001000000000001" + Question + "00002904d0000000000013000a000fa1b2c3d4e5f60718a1b2c3d4e5f607")]
    [InlineData("more records than anybody sends", "12340100000100000000ffff" + Question)]
    public void What_breaks_the_rules_is_malformed(string what, string hex) =>
        Assert.True(Parse(hex, out _) == DnsQueryStatus.Malformed, what);

    [Fact]
    public void A_query_without_a_question_may_ask_for_a_cookie() =>
        Assert.Equal(DnsQueryStatus.Sound, Parse("000100000000000000000001" + Cookie, out _));

    [Theory]
    [InlineData("00002900100000000000" + "00", 512)]
    [InlineData("000029ffff0000000000" + "00", 65535)]
    public void Nobody_takes_less_than_512_bytes(string edns, int size)
    {
        Assert.Equal(DnsQueryStatus.Sound, Parse("123401000001000000000001" + Question + edns, out DnsQuery query));
        Assert.Equal(size, query.UdpSize);
    }

    [Fact]
    public void A_query_is_sent_on_without_its_cookie()
    {
        Parse("123401100001000000000001" + Question + "000029ffff00008000000c000a0008a1b2c3d4e5f60718", out DnsQuery query);
        byte[] buffer = new byte[DnsRelayedQuery.MaxSize];
        int length = DnsRelayedQuery.Write(query, 0xbeef, 1232, buffer);
        Assert.Equal("beef01100001000000000001" + Question + "00002904d0000080000000", Convert.ToHexStringLower(buffer.AsSpan(0, length)));
    }

    [Theory]
    [InlineData(true, "123485800001000100000000" + Question + "c00c000100010000012c00040a2a0002")]
    [InlineData(true, "123485800001000100000000" + "034E61530a74756e6e656c6d6573680000010001" + "c00c000100010000012c00040a2a0002")]
    [InlineData(false, "123585800001000100000000" + Question + "c00c000100010000012c00040a2a0002")]
    [InlineData(false, "123405800001000100000000" + Question + "c00c000100010000012c00040a2a0002")]
    [InlineData(false, "123485800001000100000000" + "036e61740a74756e6e656c6d6573680000010001" + "c00c000100010000012c00040a2a0002")]
    [InlineData(false, "123485800001000100000000" + "036e61730a74756e6e656c6d65736800001c0001" + "c00c000100010000012c00040a2a0002")]
    [InlineData(false, "123485800001000100000000" + Question + "c020000100010000012c00040a2a0002")]
    [InlineData(false, "123485800001000200000000" + Question + "c00c000100010000012c00040a2a0002")]
    [InlineData(true, "123487800001000200000000" + Question + "c00c000100010000012c00040a2a0002")]
    [InlineData(false, "12348580")]
    public void Only_a_whole_answer_to_the_same_question_is_passed_on(bool good, string hex) =>
        Assert.Equal(good, DnsAnswer.IsOf(Convert.FromHexString(hex), Convert.FromHexString("123401000001000000000000" + Question)));
}
