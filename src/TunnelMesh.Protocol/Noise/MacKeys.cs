namespace TunnelMesh.Protocol.Noise;

/// <summary>Keys of mac1 and of cookies, derived from the receiver's public key (whitepaper 5.4.4 and 5.4.7).</summary>
internal static class MacKeys
{
    public static byte[] Mac1(ReadOnlySpan<byte> receiverPublic) => Derive("mac1----"u8, receiverPublic);

    public static byte[] Cookie(ReadOnlySpan<byte> receiverPublic) => Derive("cookie--"u8, receiverPublic);

    private static byte[] Derive(ReadOnlySpan<byte> label, ReadOnlySpan<byte> receiverPublic)
    {
        byte[] key = new byte[NoiseHash.Size];
        NoiseHash.Hash(label, receiverPublic, key);
        return key;
    }
}
