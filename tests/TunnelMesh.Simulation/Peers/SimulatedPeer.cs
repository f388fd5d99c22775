using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Simulation.Network;

namespace TunnelMesh.Simulation.Peers;

/// <summary>
/// A device of the mesh: the real engine on a virtual host, with a TUN that records what comes out and answers pings as the
/// system would. Timers run when the engine asks for them, and at no other time.
/// </summary>
internal sealed class SimulatedPeer : ITunnelOutput
{
    private readonly VirtualWorld _world;
    private readonly Random _chance;
    private readonly Func<TunnelEngineOptions, TunnelEngineOptions> _adjust;
    private TimeSpan? _timer;
    private int _life;
    private ushort _lastSocket;

    /// <summary>Starts a device.</summary>
    /// <param name="host">Where it runs.</param>
    /// <param name="number">1 to 250: its inside addresses and device ID follow from it.</param>
    /// <param name="adjust">Changes its options.</param>
    public SimulatedPeer(Host host, int number, Func<TunnelEngineOptions, TunnelEngineOptions>? adjust = null)
    {
        Host = host;
        Number = number;
        _world = host.Network.World;
        _chance = new Random(_world.Chance.Next());
        _adjust = adjust ?? (o => o);
        byte[] key = new byte[32];
        _chance.NextBytes(key);
        Key = new LocalStatic(key);
        V4 = IPAddress.Parse($"10.86.0.{number}");
        V6 = IPAddress.Parse($"fd86:1:2::{number:x}");
        Engine = Start();
    }

    public const ushort Port = 51820;

    public Host Host { get; }

    public int Number { get; }

    public LocalStatic Key { get; }

    public IPAddress V4 { get; }

    public IPAddress V6 { get; }

    public TunnelEngine Engine { get; private set; }

    /// <summary>What survives a restart, when the options are adjusted to use it.</summary>
    public SavedTimestamps Saved { get; } = new();

    /// <summary>What came out of the tunnel, pings excepted, with the time.</summary>
    public List<(TimeSpan At, byte[] Packet)> Received { get; } = [];

    /// <summary>How often the timers ran.</summary>
    public long TimerRuns { get; private set; }

    /// <summary>The peers it was given last.</summary>
    public IReadOnlyList<PeerSpec> Peers { get; private set; } = [];

    /// <summary>Numbers of the numbered packets that came out, in order, each verified byte for byte.</summary>
    public IReadOnlyList<long> Numbers => [.. Received.Select(r => InnerPacket.NumberOf(r.Packet)).Where(n => n is not null).Select(n => n!.Value)];

    /// <summary>Sequence numbers of the echo replies that came out, in order.</summary>
    public IReadOnlyList<int> Pongs => [.. Received.Select(r => InnerPacket.PongOf(r.Packet)).Where(p => p is not null).Select(p => (int)p!.Value)];

    /// <summary>The ICMP errors that came out, in order.</summary>
    public IReadOnlyList<(byte Type, byte Code, byte[] About)> Errors =>
        [.. Received.Select(r => InnerPacket.ErrorOf(r.Packet)).Where(e => e is not null).Select(e => e!.Value)];

    /// <summary>This device as the others see it: reachable at the present addresses of its host.</summary>
    public PeerSpec Spec => new()
    {
        DeviceId = ((UInt128)Number).ToString("x32"),
        PublicKey = Key.PublicKey.ToArray(),
        AllowedPrefixes = [new IPNetwork(V4, 32), new IPNetwork(V6, 128)],
        Candidates = [.. Host.Addresses.Select(a => a.At(Port).ToIPEndPoint())],
    };

    /// <summary>Gives it its peers.</summary>
    public void SetPeers(params IReadOnlyList<PeerSpec> peers)
    {
        Peers = peers;
        Engine.SetPeers(peers);
        Reschedule();
    }

    /// <summary>Stops and starts again: sessions are gone, key, address and saved timestamp stay.</summary>
    public void Restart()
    {
        Engine.Clear();
        Engine = Start();
        SetPeers(Peers);
    }

    /// <summary>Hands a packet to the TUN.</summary>
    public void Send(byte[] packet)
    {
        Engine.HandlePacket(packet);
        Reschedule();
    }

    /// <summary>Sends a numbered packet over IPv4.</summary>
    public void SendNumber(SimulatedPeer to, long number, int size = 200) => Send(InnerPacket.Numbered(V4, to.V4, number, size));

    /// <summary>Sends an echo request over IPv4 or IPv6.</summary>
    public void Ping(SimulatedPeer to, int sequence, bool v6 = false) =>
        Send(v6 ? InnerPacket.Ping(V6, to.V6, (ushort)sequence) : InnerPacket.Ping(V4, to.V4, (ushort)sequence));

    /// <summary>Pings a device inside the session, as the command does: no data goes either way.</summary>
    public Task<PingResult> PingInside(SimulatedPeer to)
    {
        Task<PingResult> answer = Engine.PingAsync(to.Spec.DeviceId)!;
        Reschedule();
        return answer;
    }

    /// <summary>Hands it a datagram as if the network had, without sending it there.</summary>
    public void Inject(ReadOnlySpan<byte> datagram, in UdpEndpoint source)
    {
        Engine.HandleDatagram(datagram.ToArray(), source);
        Reschedule();
    }

    /// <summary>Statistics about a peer.</summary>
    public PeerStats StatsOf(SimulatedPeer other) => Engine.GetStats().Single(s => s.DeviceId == other.Spec.DeviceId);

    /// <summary>Sum of all drops.</summary>
    public long Drops => Enum.GetValues<DropReason>().Sum(r => Engine.Counters[r]);

    /// <summary>Carries datagrams where UDP does not; null for none.</summary>
    public SimulatedRelay? Relay { get; set; }

    /// <summary>Takes its requests to meet; null for a coordinator that is away.</summary>
    public Action<string>? Introduce { get; set; }

    /// <summary>Another device is probing this one.</summary>
    public void NoteMeeting(string deviceId, IReadOnlyList<IPEndPoint> endpoints, NatWord? nat = null)
    {
        Engine.NoteMeeting(deviceId, endpoints, nat);
        Reschedule();
    }

    /// <summary>The relay has a way to a device, or none any more.</summary>
    public void NoteRelay(UInt128 device, bool open)
    {
        Engine.NoteOpen(PathAddress.Over(PathTransport.Relay, device), open);
        Reschedule();
    }

    /// <summary>Takes a datagram that the relay brings.</summary>
    public void Deliver(UInt128 device, byte[] datagram)
    {
        Engine.HandleTrains(datagram, [new ReceivedTrain(0, datagram.Length, datagram.Length, PathAddress.Over(PathTransport.Relay, device))]);
        Reschedule();
    }

    /// <summary>Its network changed.</summary>
    public void NoteNetworkChanged()
    {
        Engine.NoteNetworkChanged();
        Reschedule();
    }

    /// <inheritdoc/>
    bool ITunnelOutput.SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination) => destination.Transport switch
    {
        PathTransport.Udp when destination.Socket == 0 => Host.Send(Port, destination.Endpoint, datagram),
        PathTransport.Udp => Sockets.Contains(destination.Socket) && Host.Send(PortOf(destination.Socket), destination.Endpoint, datagram),
        PathTransport.Relay => Relay?.Send(this, destination.Device, datagram) ?? false,
        _ => false,
    };

    /// <summary>The sockets beside its port that are open.</summary>
    public HashSet<ushort> Sockets { get; } = [];

    /// <summary>How many sockets beside its port it may have.</summary>
    public int MaxSockets { get; set; } = 1024;

    /// <summary>What STUN servers have told of its NAT.</summary>
    public NatKind Nat { get; set; }

    /// <inheritdoc/>
    NatKind ITunnelOutput.Nat => Nat;

    /// <inheritdoc/>
    ushort ITunnelOutput.OpenSocket(string deviceId)
    {
        if (Sockets.Count >= MaxSockets)
        {
            return 0;
        }

        ushort socket = ++_lastSocket;
        Sockets.Add(socket);
        int life = _life;
        Host.Listen(PortOf(socket), d =>
        {
            if (life == _life)
            {
                Engine.HandleDatagram(d.Bytes.ToArray(), PathAddress.Udp(d.Source, socket));
                Reschedule();
            }
        });
        return socket;
    }

    /// <inheritdoc/>
    void ITunnelOutput.CloseSocket(ushort socket)
    {
        if (Sockets.Remove(socket))
        {
            Host.Close(PortOf(socket));
        }
    }

    /// <inheritdoc/>
    bool ITunnelOutput.IsOpen(in PathAddress path) => path.Transport == PathTransport.Relay && Relay?.IsOpen(this, path.Device) == true;

    /// <inheritdoc/>
    void ITunnelOutput.Meet(string deviceId) => Introduce?.Invoke(deviceId);

    /// <inheritdoc/>
    bool ITunnelOutput.WritePacket(ReadOnlySpan<byte> packet)
    {
        byte[] copy = packet.ToArray();
        if (InnerPacket.TryMakePong(copy) is { } pong)
        {
            // Not from within the engine's own call, which is not made to be entered twice.
            int life = _life;
            _world.After(TimeSpan.Zero, () =>
            {
                if (life == _life)
                {
                    Send(pong);
                }
            });
        }
        else
        {
            Received.Add((_world.Now, copy));
        }

        return true;
    }

    private static ushort PortOf(ushort socket) => (ushort)(10_000 + socket);

    private TunnelEngine Start()
    {
        int life = ++_life;
        _timer = null;
        TunnelEngineOptions options = _adjust(new TunnelEngineOptions
        {
            Key = Key,
            Time = Host.Clock,
            Random = span => _chance.NextBytes(span),
            Addresses = [new TunAddress(V4, 24), new TunAddress(V6, 64)],
            LastSent = Saved,
        });
        var engine = new TunnelEngine(options, this);
        Host.Listen(Port, d =>
        {
            if (life == _life)
            {
                Inject(d.Bytes, d.Source);
            }
        });
        return engine;
    }

    private void Reschedule()
    {
        if (Host.Clock.ToWorld(Engine.NextDeadline) is not { } due || due >= _timer)
        {
            return;
        }

        _timer = due;
        int life = _life;
        _world.At(due, () => OnTimer(due, life));
    }

    private void OnTimer(TimeSpan due, int life)
    {
        if (life != _life || _timer != due)
        {
            return;
        }

        _timer = null;
        if (Host.Clock.GetTimestamp() >= Engine.NextDeadline)
        {
            TimerRuns++;
            Engine.RunTimers();
        }

        Reschedule();
    }
}
