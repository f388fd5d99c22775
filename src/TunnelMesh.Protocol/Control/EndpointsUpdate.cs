namespace TunnelMesh.Protocol.Control;

/// <summary>Peer to coordinator: endpoints changed.</summary>
public sealed record EndpointsUpdate
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "endpoints";
    /// <summary>UDP port.</summary>
    public int UdpPort { get; init; }
    /// <summary>TCP port of the SSH transport; 0 for none.</summary>
    public int SshPort { get; init; }
    /// <summary>All interface endpoints.</summary>
    public required IReadOnlyList<string> Endpoints { get; init => field = WireList.Of(value); }
}
