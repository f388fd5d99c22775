using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Network.Nat;

namespace TunnelMesh.Simulation.Peers;

/// <summary>Two devices, each in a situation of its own, with a coordinator that introduces and relays, and a server that tells them their outer addresses as STUN does.</summary>
internal sealed class NatPair
{
    private const ushort StunPort = 3478;
    private static readonly TimeSpan ToCoordinator = TimeSpan.FromMilliseconds(20);
    private readonly Host _stun;
    private readonly Dictionary<SimulatedPeer, IPEndPoint> _mapped = [];

    public NatPair(int seed, NatSituation a, NatSituation b, bool sameNat = false, bool hairpin = false, bool relay = true)
    {
        World = new VirtualWorld(seed);
        Internet = new VirtualNetwork(World);
        Relay = new SimulatedRelay(World, TimeSpan.FromMilliseconds(30));
        _stun = new Host(Internet, "198.51.100.250");
        VirtualNetwork? shared = null;
        A = Place(a, 1, ref shared, hairpin);
        B = sameNat ? new SimulatedPeer(new Host(shared!, "192.168.1.12"), 2) : Place(b, 2, ref shared, hairpin);
        foreach (SimulatedPeer peer in Peers)
        {
            peer.Introduce = id => Introduce(peer, id);
        }

        if (relay)
        {
            Relay.Connect(A);
            Relay.Connect(B);
        }

        _stun.Listen(StunPort, d => Learn(d.Bytes[0], d.Source));
        Refresh();
        World.Run(TimeSpan.FromSeconds(1));
        (A.Nat, B.Nat) = (KindOf(a), KindOf(sameNat ? a : b));
        A.SetPeers(SpecOf(B));
        B.SetPeers(SpecOf(A));
    }

    public VirtualWorld World { get; }

    public VirtualNetwork Internet { get; }

    public SimulatedRelay Relay { get; }

    public SimulatedPeer A { get; }

    public SimulatedPeer B { get; }

    public SimulatedPeer[] Peers => [A, B];

    /// <summary>The NATs in front of each, the outermost last.</summary>
    public Dictionary<int, List<NatBox>> Boxes { get; } = new() { [1] = [], [2] = [] };

    /// <summary>The path that a device uses towards the other.</summary>
    public string PathOf(SimulatedPeer peer) => peer.StatsOf(peer == A ? B : A).Path;

    /// <summary>True when both use UDP.</summary>
    public bool IsDirect => PathOf(A) == "udp" && PathOf(B) == "udp";

    /// <summary>Pings every 10 ms from now on, numbered from 1.</summary>
    public void PingSteadily(int count)
    {
        for (int i = 1; i <= count; i++)
        {
            int number = i;
            World.After(TimeSpan.FromMilliseconds(10 * i), () => A.Ping(B, number));
        }
    }

    public double Until(Func<bool> condition, double limitSeconds) => World.RunUntil(condition, TimeSpan.FromSeconds(limitSeconds)).TotalSeconds;

    /// <summary>What the coordinator says of a peer's NAT when it introduces it: what it was told, and where it sees the peer.</summary>
    public NatWord WordOf(SimulatedPeer peer)
    {
        UdpEndpoint seen = _mapped.TryGetValue(peer, out IPEndPoint? mapped) ? UdpEndpoint.From(mapped) : default;
        return new NatWord(peer.Nat, peer.Nat == NatKind.Easy ? seen : default, seen.IPv4);
    }

    /// <summary>Changes what the coordinator passes on.</summary>
    public Func<SimulatedPeer, NatWord, NatWord> Words { get; set; } = (_, word) => word;

    private static NatKind KindOf(NatSituation situation) => situation switch
    {
        NatSituation.Hard => NatKind.Hard,
        NatSituation.Blocked => NatKind.Unknown,
        _ => NatKind.Easy,
    };

    /// <summary>Has the server tell both anew where they are.</summary>
    public void Ask() => Array.ForEach(Peers, p => p.Host.Send(SimulatedPeer.Port, _stun.Addresses[0].At(StunPort), [(byte)p.Number]));

    private PeerSpec SpecOf(SimulatedPeer peer) => peer.Spec with { Candidates = KnownOf(peer) };

    private List<IPEndPoint> KnownOf(SimulatedPeer peer) => _mapped.TryGetValue(peer, out IPEndPoint? mapped) ? [.. peer.Spec.Candidates, mapped] : [.. peer.Spec.Candidates];

    private SimulatedPeer Place(NatSituation situation, int number, ref VirtualNetwork? shared, bool hairpin)
    {
        if (situation is NatSituation.Open or NatSituation.Blocked or NatSituation.Small)
        {
            var host = new Host(Internet, $"198.51.100.{number}");
            host.Link.Set(new LinkConditions { Mtu = situation == NatSituation.Small ? 1280 : 1500, Loss = situation == NatSituation.Blocked ? 1 : 0 });
            return new SimulatedPeer(host, number);
        }

        VirtualNetwork outer = Internet;
        string address = $"203.0.113.{number}";
        if (situation == NatSituation.DoubleEasy)
        {
            outer = new VirtualNetwork(World);
            Boxes[number].Add(new NatBox(outer, Internet, address, new NatOptions { Timeout = TimeSpan.FromSeconds(30), Ports = NatPorts.Random }));
            address = "100.64.0.2";
        }

        var inner = new VirtualNetwork(World);
        shared = inner;
        Boxes[number].Insert(0, new NatBox(inner, outer, address, new NatOptions
        {
            Mapping = situation == NatSituation.Hard ? NatBehaviour.AddressAndPortDependent : NatBehaviour.EndpointIndependent,
            Ports = NatPorts.Random,
            Timeout = TimeSpan.FromSeconds(30),
            Hairpin = hairpin,
        }));
        return new SimulatedPeer(new Host(inner, "192.168.1.11"), number);
    }

    // As a device does that keeps its mapping open: a binding every 25 s.
    private void Refresh()
    {
        Ask();
        World.After(TimeSpan.FromSeconds(25), Refresh);
    }

    private void Learn(byte number, UdpEndpoint seen)
    {
        SimulatedPeer peer = number == 1 ? A : B;
        _mapped[peer] = seen.ToIPEndPoint();
    }

    private void Introduce(SimulatedPeer from, string id)
    {
        List<IPEndPoint> here = KnownOf(from);
        SimulatedPeer to = from == A ? B : A;
        NatWord word = Words(from, WordOf(from));
        World.After(ToCoordinator * 2, () => to.NoteMeeting(from.Spec.DeviceId, here, word));
    }
}
