using System.Security.Cryptography;
using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Coordinator.State;

/// <summary>Where the state is, and what a new mesh starts with.</summary>
public sealed record SqliteStateOptions
{
    /// <summary>Database file; its directory is made with mode 0700 if absent.</summary>
    public required string File { get; init; }
    /// <summary>IPv4 range; must equal the stored one of an existing mesh.</summary>
    public string Cidr { get; init; } = MeshAddresses.DefaultCidr;
    /// <summary>How long the address of a device that left is given to nobody else.</summary>
    public TimeSpan AddressRest { get; init; } = TimeSpan.FromHours(24);
    /// <summary>Limit of the database file in bytes; 0 for none.</summary>
    public long MaxBytes { get; init; }
    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
    /// <summary>Fills a span with random bytes: mesh ID and epoch.</summary>
    public Action<Span<byte>> Random { get; init; } = RandomNumberGenerator.Fill;
}
