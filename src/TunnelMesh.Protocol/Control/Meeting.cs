namespace TunnelMesh.Protocol.Control;

/// <summary>
/// Two devices shall probe each other at the same time, so that NATs between them open. A peer names the other one and where it is itself; the coordinator passes it on with the
/// sender's ID, checked against the stream it came on, and the address it sees.
/// </summary>
public sealed record Meeting
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "meeting";
    /// <summary>Device ID of the other side: whom to meet, or who wants to.</summary>
    public required string Device { get; init; }
    /// <summary>UDP endpoints of the sender, best first.</summary>
    public required IReadOnlyList<string> Endpoints { get; init => field = WireList.Of(value); }
    /// <summary>The sender's UDP port; the coordinator combines it with the address it sees. 0 when passed on.</summary>
    public int UdpPort { get; init; }
    /// <summary>The sender's NAT over IPv4: <c>easy</c> when everybody sees the same endpoint, <c>hard</c> when everybody sees another; null when it does not know.</summary>
    public string? Nat { get; init; }
    /// <summary>The sender's IPv4 endpoint outside an easy NAT; null for none.</summary>
    public string? Mapped { get; init; }
    /// <summary>The IPv4 address at which the coordinator sees the sender. Set by the coordinator alone, whatever was sent, so that nobody can claim another one's; null for none.</summary>
    public string? Seen { get; init; }
}
