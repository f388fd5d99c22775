using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>The end of a handshake: two transport keys, turned the right way round for our role.</summary>
internal static class SessionKeys
{
    public static TransportKeypair Derive(SymmetricState state, uint localIndex, uint remoteIndex, bool isInitiator, long now, TimeProvider time)
    {
        Span<byte> first = stackalloc byte[NoiseHash.Size];
        Span<byte> second = stackalloc byte[NoiseHash.Size];
        state.Split(first, second);
        long rejectAt = time.After(now, HandshakeClock.RejectAfter);
        TransportKeypair session = isInitiator
            ? new TransportKeypair(first, second, localIndex, remoteIndex, isInitiator, now, rejectAt)
            : new TransportKeypair(second, first, localIndex, remoteIndex, isInitiator, now, rejectAt);
        CryptographicOperations.ZeroMemory(first);
        CryptographicOperations.ZeroMemory(second);
        return session;
    }
}
