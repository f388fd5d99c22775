using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.Filter;

/// <summary>What the filter keeps for one remote device. Lanes read it and count in it; the filter swaps its rules.</summary>
internal sealed class FilterPeer(string deviceId, string name, CompiledRules rules)
{
    /// <summary>As which protocols dropped packets are counted, by <see cref="IndexOf"/>.</summary>
    public static readonly IReadOnlyList<string> Protocols = ["tcp", "udp", "icmp", "other"];

    private static long _last;

    private readonly long[] _dropped = new long[Protocols.Count];
    private volatile CompiledRules _rules = rules;
    private volatile string _name = name;
    private long _pushedOutUntil = long.MinValue;
    private int _connections;

    public string DeviceId => deviceId;

    /// <summary>A number that no other has in this process, also later.</summary>
    public long Number { get; } = Interlocked.Increment(ref _last);

    /// <summary>Name in the mesh, lower case.</summary>
    public string Name
    {
        get => _name;
        set => _name = value;
    }

    /// <summary>The rules as they hold for this device; swapped whole.</summary>
    public CompiledRules Rules
    {
        get => _rules;
        set => _rules = value;
    }

    /// <summary>Connections of this device in the table.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Packets of a protocol dropped since the start.</summary>
    public long Dropped(int protocol) => Interlocked.Read(ref _dropped[protocol]);

    public void CountConnection(int change) => Interlocked.Add(ref _connections, change);

    public void CountDropped(byte protocol) => Interlocked.Increment(ref _dropped[IndexOf(protocol)]);

    /// <summary>A flow that the device began had to give way before its time: until then an answer to it must not look like a flow of ours.</summary>
    public void NotePushedOut(long until) => Volatile.Write(ref _pushedOutUntil, until);

    /// <summary>True while flows that the device began may be missing from the table.</summary>
    public bool HasPushedOut(long now) => now < Volatile.Read(ref _pushedOutUntil);

    private static int IndexOf(byte protocol) => protocol switch
    {
        IpProtocol.Tcp => 0,
        IpProtocol.Udp => 1,
        IpProtocol.Icmp or IpProtocol.IcmpV6 => 2,
        _ => 3,
    };
}
