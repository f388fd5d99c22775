namespace TunnelMesh.Protocol.Stun;

/// <summary>The value of FINGERPRINT (RFC 8489 section 14.7): CRC-32 as in ITU V.42, combined with a constant.</summary>
internal static class StunFingerprint
{
    private const uint Reversed = 0xedb88320, Mask = 0x5354554e;
    private static readonly uint[] Table = MakeTable();

    /// <summary>Over the message up to the attribute, its length field counting the attribute already.</summary>
    public static uint Of(ReadOnlySpan<byte> message)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in message)
        {
            crc = Table[(byte)(crc ^ b)] ^ (crc >> 8);
        }

        return ~crc ^ Mask;
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 1) != 0 ? Reversed ^ (value >> 1) : value >> 1;
            }

            table[i] = value;
        }

        return table;
    }
}
