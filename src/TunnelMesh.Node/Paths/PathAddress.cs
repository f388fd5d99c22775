using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Paths;

/// <summary>
/// Where a datagram goes, or came from: a UDP address, or a device behind a carrier. Over UDP also by which socket of this machine: the tunnel's own port, or one of those that were opened
/// beside it. A value that compares and hashes without allocation; the empty value is no address.
/// </summary>
public readonly record struct PathAddress
{
    private readonly UdpEndpoint _where;

    // Transport and socket in one number, since both are compared for every datagram.
    private readonly uint _how;

    private PathAddress(uint how, in UdpEndpoint where)
    {
        _how = how;
        _where = where;
    }

    /// <summary>What carries it.</summary>
    public PathTransport Transport => (PathTransport)(byte)_how;

    /// <summary>Over UDP: the number of the socket beside the tunnel's port; 0 for that port, and over a carrier.</summary>
    public ushort Socket => (ushort)(_how >> 8);

    /// <summary>True for a path over UDP by the tunnel's own port.</summary>
    public bool IsOwnPort => _how == 0;

    /// <summary>True for the empty value.</summary>
    public bool IsNone => Transport == PathTransport.Udp && _where.IsNone;

    /// <summary>The UDP address; empty for another transport.</summary>
    public UdpEndpoint Endpoint => Transport == PathTransport.Udp ? _where : default;

    /// <summary>The device ID as a big-endian number, for a path over a carrier; 0 for UDP.</summary>
    public UInt128 Device => Transport == PathTransport.Udp ? 0 : new UInt128(_where.High, _where.Low);

    /// <summary>A path over UDP.</summary>
    /// <param name="endpoint">The other end.</param>
    public static PathAddress Udp(in UdpEndpoint endpoint) => new(0, endpoint);

    /// <summary>A path over UDP by a socket beside the tunnel's port.</summary>
    /// <param name="endpoint">The other end.</param>
    /// <param name="socket">The number of the socket; 0 for the tunnel's port.</param>
    public static PathAddress Udp(in UdpEndpoint endpoint, ushort socket) => new((uint)socket << 8, endpoint);

    /// <summary>A path over UDP.</summary>
    /// <param name="endpoint">The other end.</param>
    public static implicit operator PathAddress(UdpEndpoint endpoint) => Udp(endpoint);

    /// <summary>A path over a carrier.</summary>
    /// <param name="transport">Not UDP.</param>
    /// <param name="device">The device ID as a big-endian number.</param>
    /// <exception cref="ArgumentOutOfRangeException">The transport is UDP.</exception>
    public static PathAddress Over(PathTransport transport, UInt128 device)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(transport, PathTransport.Udp);
        return new((uint)transport, new UdpEndpoint((ulong)(device >> 64), (ulong)device, 0, 0));
    }

    /// <summary>Compared for every datagram: field by field, without a comparer in between.</summary>
    /// <param name="other">Another address.</param>
    public bool Equals(PathAddress other) =>
        _where.Low == other._where.Low && _where.Port == other._where.Port && _where.High == other._where.High && _where.Scope == other._where.Scope && _how == other._how;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_where, _how);

    /// <summary>As <c>192.0.2.1:51820</c>, <c>[2001:db8::1]:51820</c>, <c>ssh</c> or <c>relay</c>.</summary>
    public override string ToString() => Transport == PathTransport.Udp ? _where.ToString() : PathNames.Of(Transport);
}
