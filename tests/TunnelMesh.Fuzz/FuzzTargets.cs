using TunnelMesh.Fuzz.Targets;

namespace TunnelMesh.Fuzz;

/// <summary>Every parser that reads bytes from outside, and the cipher; a new parser is added here.</summary>
public static class FuzzTargets
{
    /// <summary>All targets, by name.</summary>
    public static IReadOnlyDictionary<string, FuzzTarget> All { get; } = new[]
    {
        ControlMessageTarget.Create(),
        PackedMessageTarget.Create(),
        NetworkMapTarget.Create(),
        PeerWordsTarget.Create(),
        OpenSshKeyTarget.Create(),
        DeviceRecordTarget.Create(),
        MeshTokenTarget.Create(),
        MeshNameTarget.Create(),
        WireGuardMessageTarget.Create(),
        IpPacketTarget.Create(),
        SegmentSplitterTarget.Create(),
        AeadTarget.Create(),
        TunnelEngineTarget.Create(),
        RelayFrameTarget.Create(),
        StunTarget.Create(),
        PcpTarget.Create(),
        NatPmpTarget.Create(),
        UpnpTarget.Create(),
        SshTarget.Create(),
        DnsTarget.Create(),
        DnsResponderTarget.Create(),
        DnsReverseTarget.Create(),
        DnsAnswerTarget.Create(),
        HttpRequestTarget.Create(),
        PacketFilterTarget.Create(),
        FilterRuleTarget.Create(),
    }.ToDictionary(target => target.Name);
}
