using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>An engine that does the same every time: its key, its randomness and its clock are fixed.</summary>
internal sealed class TunnelEnd : ITunnelOutput
{
    private readonly Random _random;
    private readonly UdpEndpoint _address;

    private TunnelEnd(byte number, LocalStatic key)
    {
        _random = new Random(number);
        _address = UdpEndpoint.FromIPv4(0xC0000200u + number, 2223);
        Engine = new TunnelEngine(new TunnelEngineOptions { Key = key, Time = new StillTime(), Random = _random.NextBytes, Offloads = TunOffloads.All }, this);
    }

    public TunnelEngine Engine { get; }

    /// <summary>The trains that were sent, with the length of their datagrams.</summary>
    public List<(byte[] Bytes, int Size)> Sent { get; } = [];

    /// <summary>What the TUN took, groups cut again.</summary>
    public List<byte[]> Packets { get; } = [];

    /// <summary>Packets and datagrams dropped for any reason.</summary>
    public long Drops => Enum.GetValues<DropReason>().Sum(r => Engine.Counters[r]);

    /// <summary>Two ends in session, each of which takes whatever the other sends.</summary>
    public static (TunnelEnd Left, TunnelEnd Right) Connect(LocalStatic leftKey, LocalStatic rightKey, ReadOnlySpan<byte> firstPacket)
    {
        TunnelEnd left = new(1, leftKey), right = new(2, rightKey);
        left.Engine.SetPeers([right.SpecFor(rightKey)]);
        right.Engine.SetPeers([left.SpecFor(leftKey)]);
        left.Engine.HandlePacket(firstPacket);
        while (left.Sent.Count + right.Sent.Count > 0)
        {
            right.ReceiveFrom(left);
            left.ReceiveFrom(right);
        }

        Check.That(right.Packets.Count == 1 && left.Drops + right.Drops == 0, "no session came up");
        right.Packets.Clear();
        return (left, right);
    }

    /// <summary>Receives all that another end has sent, in one buffer.</summary>
    public void ReceiveFrom(TunnelEnd other)
    {
        List<ReceivedTrain> trains = [];
        List<byte> buffer = [];
        foreach ((byte[] bytes, int size) in other.Sent)
        {
            trains.Add(new ReceivedTrain(buffer.Count, bytes.Length, size, other._address));
            buffer.AddRange(bytes);
        }

        other.Sent.Clear();
        Engine.HandleTrains(buffer.ToArray(), trains.ToArray());
    }

    /// <summary>Receives one train.</summary>
    public void Receive(byte[] bytes, int size, TunnelEnd other) =>
        Engine.HandleTrains(bytes, [new ReceivedTrain(0, bytes.Length, size, other._address)]);

    /// <summary>The packets that a frame holds; none when it is not whole.</summary>
    public static List<byte[]> Cut(in VirtioNetHeader header, ReadOnlySpan<byte> packet)
    {
        List<byte[]> packets = [];
        if (SegmentSplitter.TryParse(header, packet, out SegmentSplitter splitter))
        {
            for (int i = 0; i < splitter.Count; i++)
            {
                byte[] slot = new byte[splitter.SegmentLength];
                Check.That(splitter.Split(i, slot, slot.Length, 0) == 1, "a segment is missing");
                packets.Add(slot[..splitter.LengthOf(i)]);
            }
        }

        return packets;
    }

    public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination)
    {
        Sent.Add((datagram.ToArray(), datagram.Length));
        return true;
    }

    public int SendDatagrams(ReadOnlySpan<byte> datagrams, int segmentSize, in PathAddress destination)
    {
        Sent.Add((datagrams.ToArray(), segmentSize));
        return 0;
    }

    public bool WritePacket(ReadOnlySpan<byte> packet)
    {
        Packets.Add(packet.ToArray());
        return true;
    }

    public bool WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload)
    {
        List<byte> whole = [.. packetHeader];
        foreach (PacketSlice slice in payload)
        {
            whole.AddRange(buffer.Slice(slice.Offset, slice.Length));
        }

        List<byte[]> packets = Cut(header, whole.ToArray());
        Check.That(packets.Count == payload.Length, "a group is not cut into its packets");
        Packets.AddRange(packets);
        return true;
    }

    private PeerSpec SpecFor(LocalStatic key) => new()
    {
        DeviceId = "other",
        PublicKey = key.PublicKey.ToArray(),
        AllowedPrefixes = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")],
        Candidates = [_address.ToIPEndPoint()],
    };

    private sealed class StillTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(56);

        public override long GetTimestamp() => 1_000_000;
    }
}
