using System.Buffers.Binary;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>
/// Two engines in session. An input whose first byte is even is a virtio header and a packet from one's TUN: what comes out at the
/// other is what the splitter cuts, between its neighbours. One whose first byte is odd is a datagram length and a train for the
/// other: nothing comes out that was not sent, and nothing twice.
/// </summary>
internal static class TunnelEngineTarget
{
    private static readonly LocalStatic Left = new(Bytes(1)), Right = new(Bytes(2));
    private static readonly byte[] Marker = Convert.FromHexString("4500001c000000004001000001020304050607080800000000000000");
    private static readonly VirtioNetHeader Udp = new(VirtioNetHeader.NeedsChecksum, VirtioNetHeader.GsoUdp, 48, 20, IpPacket.HeaderV6, 6);

    // 25 datagrams of one flow.
    private static readonly byte[] Super =
    [
        .. Convert.FromHexString("6000000001fc1140" + "fd000000000000000000000000000001" + "fd000000000000000000000000000002" + "03e8005001fc0000"),
        .. Enumerable.Range(0, 500).Select(i => (byte)(i * i / 7)),
    ];

    private static readonly List<byte[]> Genuine = TunnelEnd.Cut(Udp, Super);

    public static FuzzTarget Create()
    {
        (TunnelEnd left, _) = TunnelEnd.Connect(Left, Right, Marker);
        left.Engine.HandleFrame(Udp, Super);
        left.Engine.Flush();
        (byte[] train, int size) = left.Sent[0];
        (TunnelEnd again, TunnelEnd other) = TunnelEnd.Connect(Left, Right, Marker);
        other.Receive([.. train], size, again);
        Check.That(other.Packets.Count == Genuine.Count, "the recorded train does not open in a session made anew: the target would try nothing");
        byte[] header = new byte[VirtioNetHeader.Size];
        Udp.Write(header);
        byte[] tcp = Convert.FromHexString("4500" + "0048" + "0007" + "4000" + "4006" + "0000" + "0a2a0001" + "0a2a0002" + "03e80050" + "00000001" + "00000002" + "5018ffff" + "00000000");
        byte[] tcpHeader = new byte[VirtioNetHeader.Size];
        new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, VirtioNetHeader.GsoTcpV4, 40, 9, 20, 16).Write(tcpHeader);
        return new(
            "tunnel-engine",
            [
                [0, .. header, .. Super],
                [0, .. tcpHeader, .. tcp, .. new byte[32]],
                [0, .. new byte[VirtioNetHeader.Size], .. Marker],
                [1, (byte)size, (byte)(size >> 8), .. train],
                [1, (byte)size, (byte)(size >> 8), .. train[..(2 * size)], .. train[..(2 * size)], .. train[(5 * size)..]],
            ],
            Run);
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        ReadOnlySpan<byte> bytes = input.Span;
        if (bytes.Length < 3)
        {
            return;
        }

        (TunnelEnd left, TunnelEnd right) = TunnelEnd.Connect(Left, Right, Marker);
        if ((bytes[0] & 1) != 0)
        {
            Receive(left, right, bytes[3..], Math.Max((ushort)1, BinaryPrimitives.ReadUInt16LittleEndian(bytes[1..])));
        }
        else if (VirtioNetHeader.TryRead(bytes[1..], out VirtioNetHeader header))
        {
            Send(left, right, header, bytes[(1 + VirtioNetHeader.Size)..]);
        }
    }

    private static void Send(TunnelEnd left, TunnelEnd right, in VirtioNetHeader header, ReadOnlySpan<byte> packet)
    {
        List<byte[]> cut = IpPacket.TryParse(packet, out IpPacket ip) ? TunnelEnd.Cut(header, ip.Bytes) : [];
        left.Engine.HandleFrame(default, Marker);
        left.Engine.HandleFrame(header, packet);
        left.Engine.HandleFrame(default, Marker);
        left.Engine.Flush();
        right.ReceiveFrom(left);
        Check.That(left.Drops == (cut.Count == 0 ? 1 : 0) && right.Drops == 0, "a packet was dropped, or one that is none was not counted");
        Check.That(Same(right.Packets, [Marker, .. cut, Marker]), "something else came out than went in");
    }

    private static void Receive(TunnelEnd left, TunnelEnd right, ReadOnlySpan<byte> train, int size)
    {
        left.Engine.HandleFrame(Udp, Super);
        left.Engine.Flush();
        int datagrams = train.IsEmpty ? 1 : train.ToArray().Chunk(size).Count(d => WireGuardMessage.TypeOf(d) is 0 or WireGuardMessage.Transport);
        right.Receive(train.ToArray(), size, left);
        Check.That(right.Drops + right.Packets.Count == datagrams, "a datagram was neither delivered nor counted");
        foreach (byte[] packet in right.Packets)
        {
            Check.That(Genuine.Any(g => g.AsSpan().SequenceEqual(packet)), "a packet came out that was never sent");
        }

        // What has not come yet is still taken, whatever was received before it; what has come is a replay.
        int before = right.Packets.Count;
        right.ReceiveFrom(left);
        Check.That(right.Packets.Count == Genuine.Count, "a packet was lost, or came twice");
        Check.That(Genuine.All(g => right.Packets.Count(p => g.AsSpan().SequenceEqual(p)) == 1) && before <= Genuine.Count, "a packet came out twice");
    }

    private static bool Same(List<byte[]> one, List<byte[]> other) => one.Count == other.Count && one.Zip(other).All(p => p.First.AsSpan().SequenceEqual(p.Second));

    private static byte[] Bytes(byte value) => [.. Enumerable.Repeat(value, 32)];
}
