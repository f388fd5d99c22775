using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Noise;

public sealed class HandshakeTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly LocalStatic _alice = new(RandomNumberGenerator.GetBytes(32));
    private readonly LocalStatic _bob = new(RandomNumberGenerator.GetBytes(32));
    private readonly byte[] _psk = RandomNumberGenerator.GetBytes(32);
    private readonly byte[] _initiation = new byte[WireGuardMessage.InitiationSize];
    private readonly byte[] _response = new byte[WireGuardMessage.ResponseSize];

    private long Now => _time.GetTimestamp();

    public void Dispose()
    {
        _alice.Dispose();
        _bob.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_sides_reach_the_same_session(bool withPsk)
    {
        (TransportKeypair alice, TransportKeypair bob) = Establish(withPsk ? _psk : [], withPsk ? _psk : []);
        using (alice)
        using (bob)
        {
            Assert.Equal((alice.LocalIndex, alice.RemoteIndex), (bob.RemoteIndex, bob.LocalIndex));
            Assert.Equal([1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Carry(alice, bob, [1, 2, 3]));
            Assert.Empty(Carry(bob, alice, []));
        }
    }

    [Fact]
    public void Who_has_another_preshared_key_is_refused()
    {
        using InitiatorHandshake handshake = Begin(_psk);
        using ReceivedInitiation received = ReceivedInitiation.TryRead(_bob, _initiation)!;
        using TransportKeypair? bob = received.Respond([], 2, [], RandomNumberGenerator.Fill, Now, _time, _response);
        Assert.False(handshake.TryConsume(_response, Now, _time, out _));
    }

    [Fact]
    public void The_responder_learns_who_and_when()
    {
        using InitiatorHandshake handshake = Begin(_psk);
        using ReceivedInitiation received = ReceivedInitiation.TryRead(_bob, _initiation)!;
        Assert.Equal(_alice.PublicKey.ToArray(), received.RemotePublic.ToArray());
        Assert.Equal(Tai64n.From(_time.GetUtcNow()), received.Timestamp);
        Assert.Equal(1u, received.RemoteIndex);
    }

    [Fact]
    public void Every_flipped_bit_before_mac1_is_refused_and_mac1_sees_it()
    {
        using InitiatorHandshake handshake = Begin(_psk);
        CookieResponder bob = new(_bob, _time, RandomNumberGenerator.Fill);
        Assert.True(bob.IsMac1Valid(_initiation));
        for (int i = 0; i < 116 * 8; i++)
        {
            byte[] forged = [.. _initiation];
            forged[i / 8] ^= (byte)(1 << (i % 8));
            Assert.False(bob.IsMac1Valid(forged));
            // The sender's index is not part of the transcript, and X25519 ignores the top bit of a key.
            if (i / 8 is >= 40 and < 116)
            {
                Assert.Null(ReceivedInitiation.TryRead(_bob, forged));
            }
        }
    }

    [Fact]
    public void A_forged_response_does_not_spoil_the_true_one()
    {
        using InitiatorHandshake handshake = Begin(_psk);
        using ReceivedInitiation received = ReceivedInitiation.TryRead(_bob, _initiation)!;
        using TransportKeypair bob = received.Respond(_psk, 2, [], RandomNumberGenerator.Fill, Now, _time, _response)!;
        byte[] forged = [.. _response];
        forged[50] ^= 1;
        Assert.False(handshake.TryConsume(forged, Now, _time, out _));
        Assert.True(handshake.TryConsume(_response, Now, _time, out TransportKeypair? alice));
        alice!.Dispose();
    }

    [Fact]
    public void Low_order_keys_make_no_handshake()
    {
        Assert.Null(InitiatorHandshake.Create(_alice, new byte[32], [], 1, default, [], RandomNumberGenerator.Fill, _initiation));
        using InitiatorHandshake handshake = Begin([]);
        _initiation.AsSpan(8, 32).Clear();
        Assert.Null(ReceivedInitiation.TryRead(_bob, _initiation));
    }

    [Fact]
    public void Replayed_forged_and_late_datagrams_are_told_apart_and_move_nothing()
    {
        (TransportKeypair alice, TransportKeypair bob) = Establish(_psk, _psk);
        using (alice)
        using (bob)
        {
            byte[] one = Sealed(alice, [1]), two = Sealed(alice, [2]);
            byte[] forged = [.. two];
            forged[^1] ^= 1;
            // A forged great counter must not move the window past the genuine packets.
            forged[15] = 0x10;
            Assert.Equal(OpenResult.Forged, bob.Open(forged, Now, out _));
            Assert.Equal(OpenResult.Opened, bob.Open([.. two], Now, out _));
            Assert.Equal(OpenResult.Opened, bob.Open([.. one], Now, out _));
            Assert.Equal(OpenResult.Replayed, bob.Open([.. one], Now, out _));
            Assert.Equal(OpenResult.Forged, bob.Open(new byte[31], Now, out _));
            byte[] three = Sealed(alice, [3]);
            _time.Advance(HandshakeClock.RejectAfter);
            Assert.Equal(OpenResult.Expired, bob.Open(three, Now, out _));
            Assert.Equal(0, alice.Seal(new byte[64], 1, 16, Now));
        }
    }

    [Fact]
    public void Sealing_and_opening_do_not_allocate()
    {
        (TransportKeypair alice, TransportKeypair bob) = Establish(_psk, _psk);
        using (alice)
        using (bob)
        {
            byte[] buffer = new byte[1500];
            Assert.Equal(0, Allocations.Least(() =>
            {
                for (int i = 0; i < 1_000; i++)
                {
                    int length = alice.Seal(buffer, 1300, 1312, Now);
                    if (bob.Open(buffer.AsSpan(0, length), Now, out _) != OpenResult.Opened)
                    {
                        Assert.Fail("a genuine packet was refused");
                    }
                }
            }));
        }
    }

    [Fact]
    public void Under_load_a_cookie_proves_the_address()
    {
        CookieResponder bob = new(_bob, _time, RandomNumberGenerator.Fill);
        CookieJar jar = new(_bob.PublicKey.Span);
        byte[] source = [192, 0, 2, 1, 8, 175], elsewhere = [192, 0, 2, 2, 8, 175], reply = new byte[WireGuardMessage.CookieReplySize];
        using (InitiatorHandshake first = Begin(_psk))
        {
            jar.NoteSent(first.Mac1);
        }
        Assert.False(bob.IsMac2Valid(_initiation, source));
        bob.WriteReply(_initiation, source, reply);

        byte[] forged = [.. reply];
        forged[40] ^= 1;
        Assert.False(jar.TryTake(forged, Now, _time));
        Assert.True(jar.TryTake(reply, Now, _time));
        Assert.False(jar.TryTake(reply, Now, _time));

        using InitiatorHandshake second = Begin(_psk, jar.Current(Now));
        Assert.True(bob.IsMac2Valid(_initiation, source));
        Assert.False(bob.IsMac2Valid(_initiation, elsewhere));
        _time.Advance(HandshakeClock.CookieLifetime);
        Assert.False(bob.IsMac2Valid(_initiation, source));
        Assert.True(jar.Current(Now).IsEmpty);
    }

    private InitiatorHandshake Begin(ReadOnlySpan<byte> psk, ReadOnlySpan<byte> cookie = default) => InitiatorHandshake.Create(
        _alice, _bob.PublicKey.Span, psk, 1, Tai64n.From(_time.GetUtcNow()), cookie, RandomNumberGenerator.Fill, _initiation)!;

    private (TransportKeypair Alice, TransportKeypair Bob) Establish(ReadOnlySpan<byte> alicePsk, ReadOnlySpan<byte> bobPsk)
    {
        using InitiatorHandshake handshake = Begin(alicePsk);
        using ReceivedInitiation received = ReceivedInitiation.TryRead(_bob, _initiation)!;
        TransportKeypair bob = received.Respond(bobPsk, 2, [], RandomNumberGenerator.Fill, Now, _time, _response)!;
        Assert.True(handshake.TryConsume(_response, Now, _time, out TransportKeypair? alice));
        return (alice!, bob);
    }

    private byte[] Sealed(TransportKeypair from, ReadOnlySpan<byte> packet)
    {
        int padded = WireGuardMessage.Padded(packet.Length, 1420);
        byte[] buffer = new byte[padded + WireGuardMessage.TransportOverhead];
        packet.CopyTo(buffer.AsSpan(WireGuardMessage.TransportHeaderSize));
        Assert.Equal(buffer.Length, from.Seal(buffer, packet.Length, padded, Now));
        return buffer;
    }

    private byte[] Carry(TransportKeypair from, TransportKeypair to, ReadOnlySpan<byte> packet)
    {
        byte[] datagram = Sealed(from, packet);
        Assert.Equal(OpenResult.Opened, to.Open(datagram, Now, out int length));
        return datagram[WireGuardMessage.TransportHeaderSize..(WireGuardMessage.TransportHeaderSize + length)];
    }
}
