using System.Buffers.Binary;
using System.Text;

namespace TunnelMesh.Protocol.Identity;

/// <summary>
/// A user's signed statement that a device key is theirs in one mesh. It travels as opaque bytes and every viewer verifies it.
/// <para>Layout, version 1, integers big-endian: version (1 byte = 1), label length (1) and label (UTF-8, 1–63 bytes),
/// mesh root (32: SHA-256 of the mesh root certificate's DER, which names the mesh before the peer has been told anything else),
/// device key (32), generation (8, unsigned), expiry (8, Unix seconds, 0 = never), Ed25519 signature (64) over
/// <c>"TunnelMesh device record v1\0"</c> and all bytes before it.</para>
/// </summary>
public sealed record DeviceRecord
{
    private const int FixedBytes = 1 + 1 + 32 + 32 + 8 + 8 + 64;
    private static readonly byte[] Domain = "TunnelMesh device record v1\0"u8.ToArray();

    /// <summary>Largest encoded size in bytes.</summary>
    public const int MaxBytes = FixedBytes + 63;

    /// <summary>The name the device asked for; the coordinator may have added a suffix.</summary>
    public required string Label { get; init; }

    /// <summary>SHA-256 of the mesh root certificate's DER, 32 bytes.</summary>
    public required ReadOnlyMemory<byte> MeshRoot { get; init; }

    /// <summary>Raw X25519 device key, 32 bytes.</summary>
    public required ReadOnlyMemory<byte> DeviceKey { get; init; }

    /// <summary>Grows with every new record of the device; the higher one wins.</summary>
    public required ulong Generation { get; init; }

    /// <summary>Unix seconds after which the record is void; 0 for never.</summary>
    public required long Expiry { get; init; }

    /// <summary>True when the record is void at this time.</summary>
    public bool IsExpired(DateTimeOffset now) => Expiry != 0 && now.ToUnixTimeSeconds() >= Expiry;

    /// <summary>Makes and signs a record. The caller owns the array.</summary>
    /// <exception cref="ArgumentException">A field has the wrong length.</exception>
    public static byte[] Create(IdentityKey identity, string label, ReadOnlySpan<byte> meshRoot, ReadOnlySpan<byte> deviceKey, ulong generation, long expiry)
    {
        ArgumentNullException.ThrowIfNull(identity);
        byte[] text = Encoding.UTF8.GetBytes(label);
        if (text.Length is 0 or > 63 || meshRoot.Length != 32 || deviceKey.Length != 32 || expiry < 0)
        {
            throw new ArgumentException("a device record needs a label of 1 to 63 bytes, a mesh root and a device key of 32 bytes, and no negative expiry");
        }
        byte[] record = new byte[FixedBytes + text.Length];
        record[0] = 1;
        record[1] = (byte)text.Length;
        text.CopyTo(record, 2);
        Span<byte> rest = record.AsSpan(2 + text.Length);
        meshRoot.CopyTo(rest);
        deviceKey.CopyTo(rest[32..]);
        BinaryPrimitives.WriteUInt64BigEndian(rest[64..], generation);
        BinaryPrimitives.WriteInt64BigEndian(rest[72..], expiry);
        identity.Sign([.. Domain, .. record.AsSpan(0, record.Length - 64)]).CopyTo(rest[80..]);
        return record;
    }

    /// <summary>Reads a record and checks its signature. Expiry, mesh and device key are the caller's to compare. Never throws.</summary>
    /// <param name="bytes">The record as received.</param>
    /// <param name="identityKey">Raw Ed25519 key of the user it must come from.</param>
    /// <param name="record">The record, or null.</param>
    public static bool TryVerify(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> identityKey, out DeviceRecord? record)
    {
        record = null;
        if (bytes.Length < FixedBytes + 1 || bytes[0] != 1 || bytes[1] is 0 or > 63 || bytes.Length != FixedBytes + bytes[1])
        {
            return false;
        }
        int length = bytes[1];
        ReadOnlySpan<byte> rest = bytes[(2 + length)..];
        long expiry = BinaryPrimitives.ReadInt64BigEndian(rest[72..]);
        if (expiry < 0 || !System.Text.Unicode.Utf8.IsValid(bytes.Slice(2, length)) ||
            !IdentityKey.Verify(identityKey, [.. Domain, .. bytes[..^64]], bytes[^64..]))
        {
            return false;
        }
        record = new DeviceRecord
        {
            Label = Encoding.UTF8.GetString(bytes.Slice(2, length)),
            MeshRoot = rest[..32].ToArray(),
            DeviceKey = rest[32..64].ToArray(),
            Generation = BinaryPrimitives.ReadUInt64BigEndian(rest[64..]),
            Expiry = expiry,
        };
        return true;
    }
}
