using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>A device with a filter and no tunnels: packets go straight to the gates.</summary>
internal sealed class FilteredDevice
{
    private readonly InboundGate _inbound;
    private readonly OutboundGate _outbound;

    public FilteredDevice(bool? defaultDeny, params FilterRule[] rules)
        : this(new MapGroups(), defaultDeny, rules)
    {
    }

    public FilteredDevice(IFilterGroups groups, bool? defaultDeny, params FilterRule[] rules)
    {
        Filter = new PacketFilter(Time, s => new Random(5).NextBytes(s), groups);
        Filter.SetOwn(defaultDeny, rules);
        (_inbound, _outbound) = (new InboundGate(Filter), new OutboundGate(Filter));
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public PacketFilter Filter { get; }

    public long Now => Time.GetTimestamp();

    public FilterPeer Peer(string name) => Filter.Join("id of " + name, name);

    /// <summary>Whether packets, which came as one run, pass.</summary>
    public bool[] InRun(FilterPeer peer, params byte[][] packets)
    {
        _inbound.Begin(peer, Now);
        foreach (byte[] packet in packets.Take(InboundGate.Ahead))
        {
            _inbound.Expect(packet);
        }

        _inbound.FetchExpected();
        bool[] passed = [.. packets.Select(Admit)];
        _inbound.End();
        return passed;
    }

    public bool In(FilterPeer peer, byte[] packet) => InRun(peer, packet)[0];

    public void Out(FilterPeer peer, params byte[][] packets)
    {
        foreach (byte[] bytes in packets)
        {
            Assert.True(IpPacket.TryParse(bytes, out IpPacket packet));
            _outbound.Note(peer, packet, Now);
        }

        _outbound.Settle();
    }

    public static FilterRule Rule(string text)
    {
        string[] words = text.Split(' ');
        Assert.True(FilterRule.TryParse(words[2], words[1], words[0], words.ElementAtOrDefault(3), out FilterRule rule, out string problem), problem);
        return rule;
    }

    private bool Admit(byte[] bytes)
    {
        Assert.True(IpPacket.TryParse(bytes, out IpPacket packet));
        return _inbound.Admit(packet);
    }
}
