using System.Buffers.Binary;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Capture;

/// <summary>A second judge that knows nothing of ours: `tcpdump` reads a capture and checks what it prints.</summary>
internal static class TcpDump
{
    private const uint Magic = 0xA1B2C3D4, SnapLength = 262144, LinkTypeRaw = 101;

    /// <summary>How many packets it found right, and how many of their checksums wrong.</summary>
    public static async Task<(int Right, int Wrong)> JudgeAsync(IEnumerable<CapturedPacket> packets, string file, CancellationToken cancel)
    {
        Requirements.Programs("tcpdump");
        await using (FileStream stream = File.Create(file))
        {
            Write(stream, packets);
        }

        string[] lines = (await Command.RunAsync(["tcpdump", "-nn", "-vv", "-Z", "root", "-r", file], cancel: cancel)).Split('\n');
        File.Delete(file);
        string[] right = ["(correct)", "[udp sum ok]", "[icmp6 sum ok]"], wrong = ["(incorrect", "bad cksum", "bad udp cksum", "bad icmp6 cksum", "wrong icmp cksum"];
        return (lines.Count(Has(right)), lines.Count(Has(wrong)));
    }

    private static Func<string, bool> Has(string[] words) => line => Array.Exists(words, word => line.Contains(word, StringComparison.Ordinal));

    /// <summary>The format of pcap-savefile(5).</summary>
    private static void Write(Stream stream, IEnumerable<CapturedPacket> packets)
    {
        Span<byte> head = stackalloc byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(head[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(head[6..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(head[16..], SnapLength);
        BinaryPrimitives.WriteUInt32LittleEndian(head[20..], LinkTypeRaw);
        stream.Write(head);
        head = head[..16];
        head.Clear();
        foreach (CapturedPacket packet in packets)
        {
            BinaryPrimitives.WriteInt32LittleEndian(head[8..], packet.Bytes.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head[12..], packet.Bytes.Length);
            stream.Write(head);
            stream.Write(packet.Bytes);
        }
    }
}
