using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>What the SSH transport needs, and its limits.</summary>
public sealed record SshTransportOptions
{
    /// <summary>Our identity key: host key and user key.</summary>
    public required IdentityKey Identity { get; init; }

    /// <summary>Our device ID as a big-endian number.</summary>
    public required UInt128 DeviceId { get; init; }

    /// <summary>TCP port to listen on, both families; 0 lets the system choose, null listens on none.</summary>
    public int? Port { get; init; }

    /// <summary>Clock and timers.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Source of ephemeral keys and cookies.</summary>
    public Action<Span<byte>> Random { get; init; } = RandomNumberGenerator.Fill;

    /// <summary>Applied to every socket before it is bound or connected, and to accepted ones.</summary>
    public Action<Socket>? ConfigureSocket { get; init; }

    /// <summary>Packets of up to 65 KiB that wait for a peer; the oldest is dropped when there are more.</summary>
    public int QueuePackets { get; init; } = 16;

    /// <summary>A connection without datagrams for so long is closed.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>From connecting or accepting to the open channel.</summary>
    public TimeSpan HandshakeLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections of one address (IPv6: a /64) that are not a peer's yet; the oldest is cut when there are more.</summary>
    public int StrangersPerAddress { get; init; } = 16;

    /// <summary>Connections of all addresses that are not a peer's yet, half of them of one at most; the oldest is cut when there are more, of the address with most of them first.</summary>
    public int Strangers { get; init; } = 256;

    /// <summary>New keys after so many bytes in one direction.</summary>
    public long RekeyBytes { get; init; } = 1L << 30;
}
