using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>The operating system's generator; the only source for real use.</summary>
public sealed class SystemRandomSource : IRandomSource
{
    /// <summary>The one instance.</summary>
    public static SystemRandomSource Instance { get; } = new();

    private SystemRandomSource() { }

    /// <inheritdoc/>
    public void Fill(Span<byte> buffer) => RandomNumberGenerator.Fill(buffer);
}
