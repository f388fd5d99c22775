using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Noise.Vectors;

namespace TunnelMesh.Tests.Noise.Vectors;

/// <summary>Every implementation of <see cref="TransportAead"/> that can run here, by name.</summary>
internal static class Ciphers
{
    public static string[] Names =>
    [
        .. VectorAead.IsSupported ? ["vector"] : Array.Empty<string>(),
        .. TransportAead.UsesLibCrypto ? ["libcrypto"] : Array.Empty<string>(),
        "framework",
    ];

    public static TransportAead Make(string name, ReadOnlySpan<byte> key) => name switch
    {
        "vector" => new VectorAead(key),
        "libcrypto" => new EvpAead(LibCrypto.Instance!, key),
        "framework" => new FrameworkAead(key),
        _ => throw new ArgumentException($"no cipher {name}", nameof(name)),
    };
}
