using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Tests.Packets.Offload;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>An engine whose TUN takes super-packets and whose trains lie still until a test carries them.</summary>
internal sealed class TrainSide : ITunnelOutput, IDisposable
{
    private readonly LocalStatic _key = new(RandomNumberGenerator.GetBytes(32));
    private readonly HashSet<(uint Index, ulong Counter)> _nonces = [];

    /// <summary>Makes an engine without peers.</summary>
    /// <param name="time">Its clock.</param>
    /// <param name="number">The last byte of its inside addresses, those of <see cref="FlowBytes"/>.</param>
    /// <param name="mtu">The largest inner packet.</param>
    /// <param name="offloads">What its TUN takes.</param>
    /// <param name="filter">What lets packets in; null for everything.</param>
    /// <param name="exit">What leaves the mesh; null for nothing.</param>
    public TrainSide(TimeProvider time, byte number, int mtu = 1400, TunOffloads offloads = TunOffloads.All, PacketFilter? filter = null, ExitTraffic? exit = null)
    {
        V4 = new IPAddress([10, 42, 0, number]);
        V6 = new IPAddress([0xfd, .. new byte[14], number]);
        Address = UdpEndpoint.From(new IPEndPoint(new IPAddress([192, 0, 2, number]), 2223));
        Engine = new TunnelEngine(
            new TunnelEngineOptions { Key = _key, Time = time, Mtu = mtu, Offloads = offloads, Filter = filter, Exit = exit, Addresses = [new TunAddress(V4, 24), new TunAddress(V6, 64)] }, this);
    }

    public TunnelEngine Engine { get; }

    public IPAddress V4 { get; }

    public IPAddress V6 { get; }

    public UdpEndpoint Address { get; }

    /// <summary>How the others see it.</summary>
    public PeerSpec Spec => new()
    {
        DeviceId = $"device {V4}",
        Name = $"peer-{V4.GetAddressBytes()[3]}",
        PublicKey = _key.PublicKey.ToArray(),
        AllowedPrefixes = [new IPNetwork(V4, 32), new IPNetwork(V6, 128)],
        Candidates = [Address.ToIPEndPoint()],
    };

    /// <summary>What it sent, each train as it was given.</summary>
    public Queue<Train> Sent { get; } = new();

    /// <summary>What its TUN took.</summary>
    public CollectingSink Tun { get; } = new();

    /// <summary>True for a datagram that the system refuses.</summary>
    public Func<int, bool> Refuses { get; set; } = _ => false;

    public long Drops => Enum.GetValues<DropReason>().Sum(r => Engine.Counters[r]);

    private int _datagrams;

    public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination) => Take(datagram, datagram.Length, destination) == 0;

    public int SendDatagrams(ReadOnlySpan<byte> datagrams, int segmentSize, in PathAddress destination) => Take(datagrams, segmentSize, destination);

    public bool WritePacket(ReadOnlySpan<byte> packet)
    {
        Tun.WritePacket(packet);
        return true;
    }

    public bool WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload)
    {
        Tun.WriteGroup(header, packetHeader, buffer, payload);
        return true;
    }

    /// <summary>Everything sent so far, datagram by datagram.</summary>
    public List<byte[]> TakeDatagrams() => [.. TakeTrains().SelectMany(t => t.Datagrams)];

    /// <summary>Everything sent so far.</summary>
    public List<Train> TakeTrains()
    {
        List<Train> trains = [.. Sent];
        Sent.Clear();
        return trains;
    }

    /// <summary>Receives trains in one buffer, with gaps between.</summary>
    public void Receive(IReadOnlyList<Train> trains, in UdpEndpoint source)
    {
        byte[] buffer = new byte[trains.Sum(t => t.Bytes.Length + 5)];
        var received = new ReceivedTrain[trains.Count];
        int at = 0;
        for (int i = 0; i < trains.Count; i++)
        {
            trains[i].Bytes.CopyTo(buffer, at);
            received[i] = new ReceivedTrain(at, trains[i].Bytes.Length, trains[i].SegmentSize, trains[i].Source ?? source);
            at += trains[i].Bytes.Length + 5;
        }

        Engine.HandleTrains(buffer, received);
    }

    public void Dispose()
    {
        Engine.Clear();
        _key.Dispose();
    }

    private int Take(ReadOnlySpan<byte> datagrams, int segmentSize, in PathAddress destination)
    {
        int refused = 0;
        var train = new Train(datagrams.ToArray(), segmentSize, destination.Endpoint);
        foreach (byte[] datagram in train.Datagrams)
        {
            bool fresh = datagram[0] != WireGuardMessage.Transport
                || _nonces.Add((BinaryPrimitives.ReadUInt32LittleEndian(datagram.AsSpan(4)), BinaryPrimitives.ReadUInt64LittleEndian(datagram.AsSpan(8))));
            Assert.True(fresh, "a nonce was used twice");
            refused += Refuses(_datagrams++) ? 1 : 0;
        }

        if (refused == 0)
        {
            Sent.Enqueue(train);
        }

        return refused;
    }

    /// <summary>Datagrams of equal size, the last perhaps shorter.</summary>
    internal sealed record Train(byte[] Bytes, int SegmentSize, UdpEndpoint Destination)
    {
        public IEnumerable<byte[]> Datagrams => Bytes.Chunk(SegmentSize);

        /// <summary>Where it comes from, when not from where its neighbours do.</summary>
        public UdpEndpoint? Source { get; init; }

        public static Train Of(byte[] datagram) => new(datagram, datagram.Length, default);
    }
}
