using System.Text;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsProtocol;

public class DnsNameTests
{
    private static readonly byte[] Header = new byte[DnsQuery.HeaderSize];

    [Theory]
    [InlineData("NAS.TunnelMesh", "036e61730a74756e6e656c6d65736800")]
    [InlineData("nas.tunnelmesh.", "036e61730a74756e6e656c6d65736800")]
    [InlineData(".", "00")]
    [InlineData("", "00")]
    public void A_name_is_written_in_lower_case(string text, string hex)
    {
        byte[] name = new byte[DnsName.MaxBytes];
        Assert.True(DnsName.TryWrite(text, name, out int length));
        Assert.Equal(hex, Convert.ToHexStringLower(name.AsSpan(0, length)));
    }

    [Theory]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a b")]
    [InlineData("ä")]
    public void What_is_no_name_is_not_written(string text) => Assert.False(DnsName.TryWrite(text, new byte[DnsName.MaxBytes], out _));

    [Fact]
    public void Labels_of_63_bytes_and_names_of_255_are_the_longest()
    {
        string label = new('a', 63), longest = $"{label}.{label}.{label}.{new string('a', 61)}";
        byte[] name = new byte[DnsName.MaxBytes];
        Assert.True(DnsName.TryWrite(longest, name, out int length));
        Assert.Equal(DnsName.MaxBytes, length);
        Assert.False(DnsName.TryWrite(longest + "a", name, out _));
        Assert.False(DnsName.TryWrite(label + "a", name, out _));

        byte[] message = [.. Header, .. name];
        int offset = DnsQuery.HeaderSize;
        Assert.True(DnsName.TryRead(message, ref offset, new byte[DnsName.MaxBytes], out length));
        Assert.Equal((DnsName.MaxBytes, message.Length), (length, offset));
        byte[] longer = [.. Header, .. name.AsSpan(0, 254), 1, (byte)'a', 0];
        offset = DnsQuery.HeaderSize;
        Assert.False(DnsName.TryRead(longer, ref offset, new byte[DnsName.MaxBytes], out _));
    }

    [Fact]
    public void A_pointer_leads_back_and_reading_goes_on_after_it()
    {
        byte[] message = [.. Header, 2, (byte)'T', (byte)'m', 0, 3, .. Encoding.ASCII.GetBytes("nas"), 0xC0, 12, 0xAA];
        int offset = 16;
        byte[] name = new byte[DnsName.MaxBytes];
        Assert.True(DnsName.TryRead(message, ref offset, name, out int length));
        Assert.Equal("036e617302746d00", Convert.ToHexStringLower(name.AsSpan(0, length)));
        Assert.Equal(0xAA, message[offset]);
    }

    [Theory]
    [InlineData("c00c")]
    [InlineData("c00e")]
    [InlineData("c000")]
    [InlineData("0161c00c")]
    [InlineData("c0")]
    [InlineData("4161")]
    [InlineData("8161")]
    [InlineData("0561")]
    [InlineData("0161")]
    [InlineData("")]
    public void Circles_cuts_pointers_ahead_or_into_the_header_and_unknown_labels_are_no_names(string hex)
    {
        byte[] message = [.. Header, .. Convert.FromHexString(hex)];
        int offset = DnsQuery.HeaderSize;
        Assert.False(DnsName.TryRead(message, ref offset, new byte[DnsName.MaxBytes], out _));
        Assert.Equal(DnsQuery.HeaderSize, offset);
    }

    [Fact]
    public void Two_names_that_point_at_each_other_are_no_names()
    {
        byte[] message = [.. Header, 1, (byte)'a', 0xC0, 16, 1, (byte)'b', 0xC0, 12];
        int first = 12, second = 16;
        Assert.False(DnsName.TryRead(message, ref first, new byte[DnsName.MaxBytes], out _));
        Assert.False(DnsName.TryRead(message, ref second, new byte[DnsName.MaxBytes], out _));
    }
}
