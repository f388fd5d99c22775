using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Protocol.Identity;

/// <summary>
/// The hash that all proofs of a join or renewal cover. Every field is encoded with a 4-byte length, every list with a
/// 4-byte count, every number as 8 bytes big-endian, so that no two different conversations give the same bytes.
/// </summary>
public static class JoinTranscript
{
    /// <summary>SHA-256, 32 bytes, over both messages and the server key as *this* side knows it; the caller owns the array.</summary>
    /// <param name="hello">The peer's message.</param>
    /// <param name="challenge">The coordinator's answer.</param>
    /// <param name="serverSpkiSha256">SHA-256 over the DER SubjectPublicKeyInfo of the server certificate of this very TLS connection.</param>
    /// <param name="renewal">True on <see cref="ControlProtocol.RenewPath"/>: a proof for one never serves the other.</param>
    public static byte[] Compute(JoinHello hello, JoinChallenge challenge, ReadOnlySpan<byte> serverSpkiSha256, bool renewal)
    {
        ArgumentNullException.ThrowIfNull(hello);
        ArgumentNullException.ThrowIfNull(challenge);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, renewal ? "TunnelMesh renew transcript v1"u8 : "TunnelMesh join transcript v1"u8);
        Add(hash, hello.Version);
        Add(hash, hello.OldestVersion);
        AddCount(hash, hello.Capabilities.Count);
        foreach (string capability in hello.Capabilities)
        {
            Add(hash, capability);
        }
        Add(hash, hello.Nonce);
        Add(hash, hello.IdentityKey);
        Add(hash, hello.DeviceKey);
        Add(hash, hello.TlsKey);
        Add(hash, hello.Name);
        Add(hash, hello.UnixTimeMs);
        Add(hash, hello.ProgramVersion);
        Add(hash, challenge.Version);
        Add(hash, challenge.Nonce);
        Add(hash, challenge.EphemeralKey);
        AddCount(hash, challenge.CaCertificates.Count);
        foreach (byte[] certificate in challenge.CaCertificates)
        {
            Add(hash, certificate);
        }
        Add(hash, challenge.UnixTimeMs);
        Add(hash, serverSpkiSha256);
        return hash.GetHashAndReset();
    }

    private static void Add(IncrementalHash hash, ReadOnlySpan<byte> field)
    {
        AddCount(hash, field.Length);
        hash.AppendData(field);
    }

    private static void Add(IncrementalHash hash, string? field) => Add(hash, Encoding.UTF8.GetBytes(field ?? ""));

    private static void Add(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        hash.AppendData(bytes);
    }

    private static void AddCount(IncrementalHash hash, int count)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, count);
        hash.AppendData(bytes);
    }
}
