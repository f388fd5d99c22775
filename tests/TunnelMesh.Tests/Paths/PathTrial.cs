using System.Net;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Paths;

/// <summary>The paths to one peer over links that a test makes and breaks, in steps of a millisecond. A timestamp is a millisecond.</summary>
internal sealed class PathTrial : IPathProber
{
    public const int Full = 1400;
    public static readonly PathAddress Lan = At("192.0.2.1:2223"), Wan = At("198.51.100.1:2223"), V6 = At("[2001:db8::1]:2223");
    public static readonly PathAddress RelayPath = PathAddress.Over(PathTransport.Relay, 7), SshPath = PathAddress.Over(PathTransport.Ssh, 7);

    private readonly Dictionary<PathAddress, Link> _links = [];
    private readonly List<(long At, PathAddress Path, int Size, ulong Challenge)> _wire = [];
    private ulong _challenge;

    public PathTrial(params IReadOnlyList<PathTransport> order) =>
        Paths = new PeerPaths(1000, Full, order.Count > 0 ? order : [PathTransport.Udp, PathTransport.Ssh, PathTransport.Relay], stock: false);

    public PeerPaths Paths { get; }

    public long Now { get; private set; } = 1_000_000;

    /// <summary>Data is sent every millisecond while true, and as long as it gets through something comes back over the path in use.</summary>
    public bool Busy { get; set; }

    /// <summary>False when the peer's application says nothing back.</summary>
    public bool Answers { get; set; } = true;

    public long SentAt { get; private set; } = PeerPath.Never;

    public List<(long At, PathAddress Path, int Size)> Probes { get; } = [];

    public PathActions Asked { get; private set; }

    /// <summary>Paths probed while nobody had shown that they are the peer's.</summary>
    public HashSet<PathAddress> Unproven { get; } = [];

    public static PathAddress At(string text) => UdpEndpoint.From(IPEndPoint.Parse(text));

    /// <summary>Makes or changes a link.</summary>
    /// <param name="path">Whose.</param>
    /// <param name="roundTrip">Milliseconds; negative for a link that carries nothing.</param>
    /// <param name="mtu">Bytes of the largest inner packet it carries.</param>
    public void Set(PathAddress path, int roundTrip, int mtu = Full) => _links[path] = new Link(roundTrip, mtu);

    /// <summary>Forgets what was asked for.</summary>
    public void Forget() => Asked = PathActions.None;

    public void Cut(PathAddress path) => Set(path, -1);

    public PeerPath Path(PathAddress address) => Paths.All.Single(p => p.Address == address);

    public void Run(int milliseconds)
    {
        for (long end = Now + milliseconds; Now < end; Now++)
        {
            foreach ((long at, PathAddress path, int size, ulong challenge) in _wire.Where(w => w.At <= Now).ToArray())
            {
                _wire.Remove((at, path, size, challenge));
                Paths.NoteEcho(challenge, size, path, Now);
            }

            if (Busy)
            {
                if (Now - SentAt > 1000)
                {
                    Paths.NoteResumed(Now);
                }

                SentAt = Now;
                Paths.NoteSent(Now);
                PathAddress used = Paths.Route.First;
                if (Answers && !used.IsNone && _links.TryGetValue(used, out Link? link) && link.RoundTrip >= 0)
                {
                    Paths.NoteHeard(used, Now);
                }
            }

            for (int again = 0; Now >= Paths.NextDeadline; again++)
            {
                Asked |= Paths.Run(Now, SentAt, SentAt, this);
                Assert.True(again < 2, "does not come to rest");
            }
        }
    }

    /// <summary>Runs until something holds; how many milliseconds that took.</summary>
    public int Until(Func<bool> condition, int limit)
    {
        for (int took = 0; took < limit; took++)
        {
            if (condition())
            {
                return took;
            }

            Run(1);
        }

        Assert.Fail($"did not happen within {limit} ms");
        return limit;
    }

    public ulong? Probe(in PathAddress path, int size, bool proven)
    {
        Probes.Add((Now, path, size));
        if (!proven)
        {
            Unproven.Add(path);
        }

        if (_links.TryGetValue(path, out Link? link) && link.RoundTrip >= 0 && size <= link.Mtu)
        {
            _wire.Add((Now + Math.Max(1, link.RoundTrip), path, size, ++_challenge));
            return _challenge;
        }

        return ++_challenge;
    }

    private sealed record Link(int RoundTrip, int Mtu);
}
