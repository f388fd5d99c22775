namespace TunnelMesh.Protocol.Control;

/// <summary>
/// A rule of the packet filter, as <see cref="Filter.FilterRule.TryParse"/> reads it. A peer opens nothing by a rule that it cannot read: it leaves out one whose action is <c>allow</c>, and takes every other for a deny
/// in which each field that it cannot read stands for everything. A later version may therefore add values to these fields, and actions; one that adds a field which makes an <c>allow</c> narrower has to change another
/// field with it to a value that is unknown before, since unknown fields are passed over.
/// </summary>
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
