using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>What both roles need.</summary>
public abstract record SshOptions
{
    /// <summary>Our identity key: the host key of a server, the user key of a client.</summary>
    public required IdentityKey Identity { get; init; }

    /// <summary>Source of ephemeral keys and cookies; must be cryptographic.</summary>
    public required Action<Span<byte>> Random { get; init; }

    /// <summary>Gives the unit of timestamps, <see cref="TimeProvider.TimestampFrequency"/>.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>From the first byte to the open channel; then the connection ends.</summary>
    public TimeSpan HandshakeLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>New keys after so many bytes in one direction (RFC 4253 section 9).</summary>
    public long RekeyBytes { get; init; } = 1L << 30;

    /// <summary>New keys after so much time (RFC 4253 section 9).</summary>
    public TimeSpan RekeyAfter { get; init; } = TimeSpan.FromHours(1);
}
