using System.Security.Cryptography;
using TunnelMesh.Node.Birthday;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Tests.DataPlane;

public sealed class FragmentAssemblerTests
{
    private const int Limit = 2000;
    private readonly FragmentAssembler _parts = new(1400, Limit);
    private readonly PeerTunnel _a = Tunnel("a"), _b = Tunnel("b");
    private readonly byte[] _packet = RandomNumberGenerator.GetBytes(1280);

    [Fact]
    public void Parts_in_any_order_make_the_packet_once()
    {
        Assert.Empty(Add(_a, 1, 800, 480, 0));
        Assert.Empty(Add(_a, 1, 0, 400, 1));
        Assert.Equal(_packet, Add(_a, 1, 400, 400, 2));
        Assert.Empty(Add(_a, 1, 400, 400, 3));
    }

    [Fact]
    public void Packets_of_two_peers_with_the_same_number_are_two()
    {
        Assert.Empty(Add(_a, 1, 0, 1000, 0));
        Assert.Empty(Add(_b, 1, 0, 1000, 0));
        Assert.Equal(_packet, Add(_a, 1, 1000, 280, 0));
        Assert.Equal(_packet, Add(_b, 1, 1000, 280, 0));
    }

    [Fact]
    public void A_part_twice_or_overlapping_is_refused_and_spoils_nothing()
    {
        Assert.Empty(Add(_a, 1, 0, 1000, 0));
        Add(_a, 1, 0, 1000, 0, refused: true);
        Add(_a, 1, 999, 200, 0, refused: true);
        Assert.Equal(_packet, Add(_a, 1, 1000, 280, 0));
    }

    [Fact]
    public void A_packet_larger_than_the_interface_takes_is_refused()
    {
        _parts.Add(_a, 1, 1401, 0, new byte[100], 0, out bool refused);
        Assert.True(refused);
    }

    [Fact]
    public void Parts_that_come_too_late_or_after_too_many_others_make_nothing()
    {
        Assert.Empty(Add(_a, 1, 0, 1000, 0));
        Assert.Empty(Add(_a, 1, 1000, 280, Limit + 1));
        Assert.Empty(Add(_a, 2, 0, 1000, Limit + 2));
        for (ushort n = 100; n < 100 + FragmentAssembler.MaxOpen; n++)
        {
            Assert.Empty(Add(_a, n, 0, 1000, Limit + 3));
        }

        Assert.Empty(Add(_a, 2, 1000, 280, Limit + 4));
        Assert.Equal(_packet, Add(_a, 100 + FragmentAssembler.MaxOpen - 1, 1000, 280, Limit + 5));
    }

    [Fact]
    public void Tiny_parts_are_limited()
    {
        for (int i = 0; i < FragmentAssembler.MaxParts; i++)
        {
            Assert.Empty(Add(_a, 1, i, 1, 0));
        }

        Add(_a, 1, 100, 1, 0, refused: true);
    }

    private static PeerTunnel Tunnel(string id) => new(new PeerSpec { DeviceId = id, PublicKey = new byte[32] }, TimeProvider.System, 1400, new BirthdayTurns(TimeProvider.System));

    private byte[] Add(PeerTunnel tunnel, int number, int offset, int length, long now, bool refused = false)
    {
        byte[] whole = _parts.Add(tunnel, (ushort)number, _packet.Length, offset, _packet.AsSpan(offset, length), now, out bool was).ToArray();
        Assert.Equal(refused, was);
        return whole;
    }
}
