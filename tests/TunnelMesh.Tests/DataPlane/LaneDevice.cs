using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Tests.Packets;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>A device of several lanes without threads: engines, mail, and for each lane a second way out as a sending thread has it.</summary>
internal sealed class LaneDevice : ITunnelOutput
{
    private readonly TunnelEngine[] _engines;
    private readonly LaneMail[] _mail;
    private readonly OutboundPipeline[] _senders;
    private readonly TimeProvider _time;
    private readonly Action<byte[], UdpEndpoint, UdpEndpoint> _send;
    private readonly string _inside;

    /// <param name="number">Of the device: its addresses.</param>
    /// <param name="lanes">How many.</param>
    /// <param name="time">Of all devices.</param>
    /// <param name="send">The wire: bytes, source, destination.</param>
    public LaneDevice(int number, int lanes, TimeProvider time, Action<byte[], UdpEndpoint, UdpEndpoint> send)
    {
        (_time, _send, _inside) = (time, send, $"10.42.0.{number}");
        Address = UdpEndpoint.From(new IPEndPoint(IPAddress.Parse($"192.0.2.{number}"), 2223));
        Key = new LocalStatic(RandomNumberGenerator.GetBytes(32));
        Members = new TunnelMembers(new WireGuardDevice(Key, time, RandomNumberGenerator.Fill, null) { Lanes = lanes }, time, 1400);
        _mail = [.. Enumerable.Range(0, lanes).Select(_ => new LaneMail(() => { }))];
        var options = new TunnelEngineOptions { Key = Key, Time = time, Addresses = [new TunAddress(IPAddress.Parse(_inside), 16)] };
        _engines = [.. Enumerable.Range(0, lanes).Select(i => new TunnelEngine(options, this, Members, i, _mail))];
        SenderCounters = [.. Enumerable.Range(0, lanes).Select(_ => new DataPlaneCounters())];
        _senders =
        [
            .. SenderCounters.Select(c => new OutboundPipeline(
                Members, new OutboundBatch(this, c, options.Mtu, Members.Filter), new UnreachableReporter(time, new InsideAddresses(options.Addresses), this), c, new LanePost(_mail, c))),
        ];
    }

    public LocalStatic Key { get; }

    public TunnelMembers Members { get; }

    public UdpEndpoint Address { get; }

    public DataPlaneCounters[] SenderCounters { get; }

    public DataPlaneCounters Counters => DataPlaneCounters.Sum(_engines.Select(e => e.Counters).Concat(SenderCounters));

    public IReadOnlyList<TunnelEngine> Engines => _engines;

    /// <summary>Numbers of the packets that came in, by who sent them.</summary>
    public Dictionary<string, List<int>> Got { get; } = [];

    public long NextDeadline => _engines.Min(e => e.NextDeadline);

    public PeerSpec Spec => new()
    {
        DeviceId = _inside,
        PublicKey = Key.PublicKey.ToArray(),
        AllowedPrefixes = [IPNetwork.Parse(_inside + "/32")],
        Candidates = [Address.ToIPEndPoint()],
    };

    public void SetPeers(params IEnumerable<LaneDevice> others) => Members.Replace([.. others.Select(o => o.Spec)]);

    /// <summary>A packet read by one lane, by its engine or by its sending thread.</summary>
    public void Send(LaneDevice to, int number, int lane, bool bySender)
    {
        byte[] payload = new byte[16];
        BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(8), number);
        byte[] packet = PacketBytes.V4(_inside, to._inside, 17, payload);
        if (bySender)
        {
            _senders[lane].Handle(default, packet, _time.GetTimestamp());
            _senders[lane].Flush();
        }
        else
        {
            _engines[lane].HandlePacket(packet);
        }
    }

    public void Receive(byte[] datagram, UdpEndpoint source, int lane) => _engines[lane].HandleDatagram(datagram, source);

    /// <summary>What the lanes' threads do between batches.</summary>
    public void RunLanes()
    {
        for (int i = 0; i < _engines.Length; i++)
        {
            _engines[i].NoticeMembers();
            while (_mail[i].TryTake(out LaneLetter letter))
            {
                _engines[i].Handle(letter);
            }

            if (_time.GetTimestamp() >= _engines[i].NextDeadline)
            {
                _engines[i].RunTimers();
            }
        }
    }

    public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination)
    {
        _send(datagram.ToArray(), Address, destination.Endpoint);
        return true;
    }

    public bool WritePacket(ReadOnlySpan<byte> packet)
    {
        if (packet[9] == 17)
        {
            string from = new IPAddress(packet[12..16]).ToString();
            (Got.TryGetValue(from, out List<int>? list) ? list : Got[from] = []).Add(BinaryPrimitives.ReadInt32BigEndian(packet[28..]));
        }

        return true;
    }
}
