namespace TunnelMesh.Protocol.Control;

/// <summary>A rule of the packet filter, as <see cref="Filter.FilterRule.TryParse"/> reads it.</summary>
public sealed record MapFilterRule
{
    /// <summary>A port or a range such as 8000-8100; empty for every port.</summary>
    public string Port { get; init => field = value ?? ""; } = "";
    /// <summary>tcp, udp, icmp or any.</summary>
    public string Protocol { get; init => field = value ?? ""; } = "";
    /// <summary>allow or deny.</summary>
    public string Action { get; init => field = value ?? ""; } = "";
    /// <summary>A device name or group:NAME; empty for every peer.</summary>
    public string SourcePeer { get; init => field = value ?? ""; } = "";
}
