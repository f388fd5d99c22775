using TunnelMesh.Node.Birthday;
using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Birthday;

/// <summary>One <see cref="PeerBirthday"/> on virtual time, a microsecond a tick, with an edge that records.</summary>
internal sealed class BirthdayTrial : IBirthdayEdge
{
    private readonly Random _chance = new(7);
    private ushort _last;

    public BirthdayTrial() => Peer = new PeerBirthday(1_000_000, new BirthdayTurns(new Microseconds()));

    public PeerBirthday Peer { get; }

    public long Now { get; private set; } = 1_000_000_000;

    public BirthdayView View { get; set; } = new(NatKind.Hard, true, true, false, 0);

    public HashSet<ushort> Open { get; } = [];

    public int Room { get; set; } = 1000;

    public Dictionary<ushort, long> Heard { get; } = [];

    public List<(long At, PathAddress To)> Probes { get; } = [];

    public List<long> Calls { get; } = [];

    public int Meetings { get; private set; }

    /// <summary>An easy peer at its endpoint, or a hard one at an address.</summary>
    public static NatWord Easy(string endpoint, string? seen = null) =>
        new(NatKind.Easy, Endpoint(endpoint), Endpoint($"{seen ?? endpoint.Split(':')[0]}:1").IPv4);

    /// <inheritdoc cref="Easy"/>
    public static NatWord Hard(string seen) => new(NatKind.Hard, default, Endpoint($"{seen}:1").IPv4);

    public static UdpEndpoint Endpoint(string text) => UdpEndpoint.From(System.Net.IPEndPoint.Parse(text));

    public void Run(double seconds)
    {
        long end = Now + (long)(seconds * 1_000_000);
        Peer.Run(View, Now, this);
        while (Peer.NextDeadline <= end)
        {
            Now = Math.Max(Now + 1000, Peer.NextDeadline);
            Peer.Run(View, Now, this);
        }

        Now = end;
        Peer.Run(View, Now, this);
    }

    void IBirthdayEdge.Probe(in PathAddress to) => Probes.Add((Now, to));

    void IBirthdayEdge.Call() => Calls.Add(Now);

    void IBirthdayEdge.Meet() => Meetings++;

    ushort IBirthdayEdge.Open()
    {
        if (Open.Count >= Room)
        {
            return 0;
        }

        Open.Add(++_last);
        return _last;
    }

    void IBirthdayEdge.Close(ushort socket) => Assert.True(Open.Remove(socket), $"socket {socket} was closed twice");

    long IBirthdayEdge.HeardAt(ushort socket) => Heard.GetValueOrDefault(socket, PeerPath.Never);

    void IBirthdayEdge.Random(Span<byte> bytes) => _chance.NextBytes(bytes);

    private sealed class Microseconds : TimeProvider
    {
        public override long TimestampFrequency => 1_000_000;
    }
}
