using System.Net;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Tests.Stun;

public class StunMessageTests
{
    // RFC 5769 sections 2.1, 2.2 and 2.3.
    private const string SampleRequest =
        "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36"
        + "000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";

    private const string ResponseV4 =
        "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
        + "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";

    private const string ResponseV6 =
        "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
        + "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

    private static readonly StunTransactionId Id = new(0xb7e7a701bc34d686, 0xfa87dfae);

    [Fact]
    public void The_sample_request_is_read()
    {
        Assert.True(StunMessage.TryParse(Convert.FromHexString(SampleRequest), out StunMessage message));
        Assert.Equal(StunClass.Request, message.Class);
        Assert.Equal(StunMessage.Binding, message.Method);
        Assert.Equal(Id, message.TransactionId);
        Assert.True(message.HasFingerprint);
        Assert.True(message.TryFind(StunAttribute.Software, out ReadOnlySpan<byte> software));
        Assert.Equal("STUN test client"u8, software);
        Assert.False(message.TryReadMapped(out _));
    }

    [Theory]
    [InlineData(ResponseV4, "192.0.2.1")]
    [InlineData(ResponseV6, "2001:db8:1234:5678:11:2233:4455:6677")]
    public void The_sample_responses_tell_their_address(string hex, string address)
    {
        Assert.True(StunMessage.TryParse(Convert.FromHexString(hex), out StunMessage message));
        Assert.Equal(StunClass.Success, message.Class);
        Assert.True(message.HasFingerprint);
        Assert.True(message.TryReadMapped(out StunAddress mapped));
        Assert.Equal(new IPEndPoint(IPAddress.Parse(address), 32853), mapped.ToIPEndPoint());
    }

    [Theory]
    [InlineData(ResponseV4, "192.0.2.1")]
    [InlineData(ResponseV6, "2001:db8:1234:5678:11:2233:4455:6677")]
    public void An_address_is_written_as_in_the_sample(string hex, string address)
    {
        byte[] sample = Convert.FromHexString(hex), buffer = new byte[128];
        StunWriter writer = new(buffer, StunClass.Success, Id);
        writer.AddXorMapped(StunAddress.From(new IPEndPoint(IPAddress.Parse(address), 32853)));
        int length = address.Contains(':', StringComparison.Ordinal) ? 24 : 12;
        Assert.Equal(sample[36..(36 + length)], buffer[20..writer.Length]);
    }

    [Fact]
    public void No_message_with_a_wrong_bit_has_a_fingerprint_that_is_right()
    {
        byte[] sample = Convert.FromHexString(ResponseV4);
        for (int i = 0; i < sample.Length * 8; i++)
        {
            byte[] bad = [.. sample];
            bad[i / 8] ^= (byte)(1 << (i % 8));
            // Of a length or type it may hide the attribute; then it has none.
            Assert.False(StunMessage.TryParse(bad, out StunMessage message) && message.HasFingerprint, $"bit {i}");
        }
    }

    [Theory]
    [InlineData("000100002112a442000102030405060708090a")]
    [InlineData("000100042112a442000102030405060708090a0b")]
    [InlineData("000100002112a443000102030405060708090a0b")]
    [InlineData("400100002112a442000102030405060708090a0b")]
    [InlineData("000100042112a442000102030405060708090a0b80220001")]
    [InlineData("000100022112a442000102030405060708090a0b8022")]
    public void What_is_cut_short_or_no_STUN_is_refused(string hex) => Assert.False(StunMessage.TryParse(Convert.FromHexString(hex), out _));

    [Fact]
    public void An_older_servers_plain_address_is_read()
    {
        Assert.True(StunMessage.TryParse(Convert.FromHexString("0101000c2112a442000102030405060708090a0b" + "000100080001109ac0000201"), out StunMessage message));
        Assert.True(message.TryReadMapped(out StunAddress mapped));
        Assert.Equal("192.0.2.1:4250", mapped.ToString());
    }

    [Theory]
    [InlineData("192.0.2.7", 40)]
    [InlineData("2001:db8::7", 52)]
    public void A_request_is_answered_with_where_it_came_from(string address, int size)
    {
        StunAddress source = StunAddress.From(new IPEndPoint(IPAddress.Parse(address), 4321));
        byte[] request = new byte[StunBinding.RequestSize], answer = new byte[StunBinding.MaxAnswerSize];
        Assert.Equal(28, StunBinding.WriteRequest(request, Id));
        Assert.Equal(size, StunBinding.Answer(request, source, answer));
        Assert.True(StunMessage.TryParse(answer.AsSpan(0, size), out StunMessage message));
        Assert.Equal((StunClass.Success, Id, true), (message.Class, message.TransactionId, message.HasFingerprint));
        Assert.True(message.TryReadMapped(out StunAddress mapped));
        Assert.Equal(source, mapped);
    }

    [Fact]
    public void An_attribute_that_must_be_understood_and_is_not_is_named()
    {
        byte[] answer = new byte[StunBinding.MaxAnswerSize];
        int length = StunBinding.Answer(Convert.FromHexString("000100102112a442000102030405060708090a0b" + "0003000400000006" + "8022000141000000"), default, answer);
        Assert.True(StunMessage.TryParse(answer.AsSpan(0, length), out StunMessage message));
        Assert.Equal(StunClass.Error, message.Class);
        Assert.True(message.TryReadErrorCode(out int code));
        Assert.Equal(420, code);
        Assert.True(message.TryFind(StunAttribute.UnknownAttributes, out ReadOnlySpan<byte> unknown));
        Assert.Equal([0, 3], unknown.ToArray());
        Assert.False(message.HasFingerprint);
    }

    [Theory]
    [InlineData("001100002112a442000102030405060708090a0b")]
    [InlineData("010100002112a442000102030405060708090a0b")]
    [InlineData("000300002112a442000102030405060708090a0b")]
    [InlineData("0100000004000000000000000000000000000000")]
    public void Nothing_but_a_binding_request_is_answered(string hex) =>
        Assert.Equal(0, StunBinding.Answer(Convert.FromHexString(hex), default, new byte[StunBinding.MaxAnswerSize]));
}
