namespace TunnelMesh.Protocol.Noise;

/// <summary>Cryptographic randomness, passed in so that a simulation can be repeated. Thread-safe.</summary>
public interface IRandomSource
{
    /// <summary>Fills the whole buffer.</summary>
    void Fill(Span<byte> buffer);
}
