using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Tests.SshProtocol;

public sealed class SshKeyExchangeTests
{
    private static SshWriter Hello() => new SshWriter().String(OpenSshTranscript.ClientIdentification).String(OpenSshTranscript.ServerIdentification)
        .String(OpenSshTranscript.ClientInit).String(OpenSshTranscript.ServerInit);

    private static SshKeyExchange Agreed()
    {
        SshKeyExchange exchange = new(bytes => OpenSshTranscript.ClientPrivate.CopyTo(bytes));
        Assert.True(exchange.TryAgree(OpenSshTranscript.ServerPoint, true, OpenSshTranscript.HostKey, Hello(), default));
        return exchange;
    }

    [Fact]
    public void The_hash_of_a_recorded_exchange_is_the_one_that_sshd_signed()
    {
        using SshKeyExchange exchange = Agreed();
        Assert.Equal(OpenSshTranscript.ClientPoint, exchange.Public.ToArray());
        Assert.Equal(OpenSshTranscript.Hash, exchange.Hash);
        Assert.True(SshKeys.TryReadPublic(OpenSshTranscript.HostKey, out ReadOnlySpan<byte> key));
        Assert.True(SshKeys.TryReadSignature(OpenSshTranscript.Signature, out ReadOnlySpan<byte> signature));
        Assert.True(IdentityKey.Verify(key, exchange.Hash, signature));
    }

    [Fact]
    public void Packets_are_sealed_under_its_keys_as_another_implementation_seals_them()
    {
        using SshKeyExchange exchange = Agreed();
        using SshSealer sealer = new();
        sealer.SetKeys(exchange.Derive(fromClient: true));
        byte[] request = new SshWriter(SshMessage.ServiceRequest).String("ssh-userauth").ToArray();
        foreach (byte[] expected in new[] { OpenSshTranscript.FirstPacket, OpenSshTranscript.SecondPacket })
        {
            byte[] packet = new byte[sealer.SizeOf(request.Length)];
            request.CopyTo(packet, SshPacket.PrefixBytes);
            sealer.Seal(packet, request.Length);
            Assert.Equal(expected, packet);
        }
        using SshOpener opener = new();
        opener.SetKeys(exchange.Derive(fromClient: true));
        byte[] opened = [.. OpenSshTranscript.FirstPacket];
        Assert.Equal(SshDisconnectReason.None, opener.TryTake(opened, out int size, out int length));
        Assert.Equal(opened.Length, size);
        Assert.Equal(request, opened.AsSpan(SshPacket.PrefixBytes, length).ToArray());
    }

    [Fact]
    public void Both_sides_and_both_directions_have_the_keys_they_should()
    {
        using SshKeyExchange client = Agreed();
        using SshCipher out1 = client.Derive(fromClient: true), in1 = client.Derive(fromClient: false);
        byte[] one = new byte[48], two = new byte[48];
        out1.Seal(one);
        in1.Seal(two);
        Assert.NotEqual(one, two);
        using SshCipher again = client.Derive(fromClient: true);
        Assert.True(again.TryOpen(one));
        Assert.False(again.TryOpen(two));
    }

    [Theory]
    [InlineData(new byte[] { 0, 0 }, new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 5 }, new byte[] { 0, 0, 0, 1, 5 })]
    [InlineData(new byte[] { 0x80 }, new byte[] { 0, 0, 0, 2, 0, 0x80 })]
    [InlineData(new byte[] { 0x09, 0xa3, 0x78 }, new byte[] { 0, 0, 0, 3, 0x09, 0xa3, 0x78 })]
    public void Numbers_are_written_as_rfc_4251_has_them(byte[] number, byte[] written) => Assert.Equal(written, new SshWriter().MPInt(number).ToArray());
}
