using System.Buffers.Binary;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Noise.Vectors;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>
/// Our own ChaCha20-Poly1305 against libcrypto. An input is a key, then records of 12 bytes: a packet's length (0 to 65535), its distance from the one before, a byte of
/// options and its counter. The packets are sealed and opened as a batch and one by one, with associated data, and forged.
/// </summary>
internal static class AeadTarget
{
    private const int KeySize = 32, RecordSize = 12, MostBytes = 400_000;

    public static FuzzTarget Create() => new("aead", Seeds(), Run);

    private static byte[][] Seeds()
    {
        byte[] key = [.. Enumerable.Range(0, KeySize).Select(i => (byte)(7 * i))];
        byte[] Batch(params int[] lengths)
        {
            List<byte> bytes = [.. key];
            for (int i = 0; i < lengths.Length; i++)
            {
                byte[] record = new byte[RecordSize];
                BinaryPrimitives.WriteUInt16LittleEndian(record, (ushort)lengths[i]);
                (record[2], record[3]) = ((byte)i, (byte)(i * 37));
                BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), (ulong)i << 30);
                bytes.AddRange(record);
            }
            return [.. bytes];
        }

        return
        [
            Batch(0), Batch(64), Batch(1420), Batch(65535), Batch(1, 15, 16, 17, 63, 64, 65, 127, 128), Batch([.. Enumerable.Repeat(1420, 17)]),
            Batch([.. Enumerable.Repeat(64, 45)]), Batch([.. Enumerable.Range(0, 60).Select(i => i * i % 1500)]),
        ];
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        if (input.Length < KeySize || !VectorAead.IsSupported || LibCrypto.Instance is not { } library)
        {
            return;
        }
        ReadOnlySpan<byte> bytes = input.Span, records = bytes[KeySize..];
        using VectorAead own = new(bytes[..KeySize]);
        using EvpAead reference = new(library, bytes[..KeySize]);
        List<AeadPacket> list = [];
        List<byte> options = [];
        int at = 0;
        for (; records.Length >= RecordSize && at < MostBytes; records = records[RecordSize..])
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(records);
            list.Add(new AeadPacket(at + (records[2] & 63), length, BinaryPrimitives.ReadUInt64LittleEndian(records[4..])));
            options.Add(records[3]);
            at = list[^1].Offset + length + 16;
        }
        AeadPacket[] packets = [.. list];
        byte[] plain = new byte[at];
        for (int i = 0; i < at; i++)
        {
            plain[i] = bytes[i % bytes.Length];
        }
        byte[] one = [.. plain], other = [.. plain];
        own.SealBatch(one, packets);
        reference.SealBatch(other, packets);
        Check.That(one.AsSpan().SequenceEqual(other), "a sealed batch differs");
        for (int i = 0; i < packets.Length; i++)
        {
            if (options[i] % 8 == 1)
            {
                one[packets[i].Offset + (options[i] * 1021 % (packets[i].Length + 16))] ^= (byte)(options[i] | 1);
            }
        }
        own.OpenBatch(one, packets);
        for (int i = 0; i < packets.Length; i++)
        {
            ReadOnlySpan<byte> opened = one.AsSpan(packets[i].Offset, packets[i].Length);
            Check.That(packets[i].IsAuthentic == (options[i] % 8 != 1), "a forged packet opened, or a good one did not");
            Check.That(packets[i].IsAuthentic ? opened.SequenceEqual(plain.AsSpan(packets[i].Offset, opened.Length)) : !opened.ContainsAnyExcept((byte)0), "opening a batch gave something else");
        }
        for (int i = 0; i < Math.Min(packets.Length, 4); i++)
        {
            Single(own, reference, plain.AsSpan(packets[i].Offset, packets[i].Length), bytes[..Math.Min(bytes.Length, options[i])], bytes[20..32]);
        }
    }

    private static void Single(VectorAead own, EvpAead reference, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> nonce)
    {
        byte[] one = new byte[plain.Length], other = new byte[plain.Length], tag = new byte[16], otherTag = new byte[16];
        own.Seal(nonce, plain, associated, one, tag);
        reference.Seal(nonce, plain, associated, other, otherTag);
        Check.That(one.AsSpan().SequenceEqual(other) && tag.AsSpan().SequenceEqual(otherTag), "a sealed packet differs");
        Check.That(own.TryOpen(nonce, one, associated, one, tag) && plain.SequenceEqual(one), "a packet does not open");
        tag[plain.Length & 15] ^= 0x40;
        Check.That(!own.TryOpen(nonce, other, associated, other, tag) && !other.AsSpan().ContainsAnyExcept((byte)0), "a forged packet opened");
    }
}
