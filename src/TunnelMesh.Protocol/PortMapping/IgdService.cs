namespace TunnelMesh.Protocol.PortMapping;

/// <summary>A service of a UPnP gateway that makes mappings.</summary>
/// <param name="Type">Its type, for example urn:schemas-upnp-org:service:WANIPConnection:1.</param>
/// <param name="Control">Where it is asked: http, on the host that described it.</param>
public sealed record IgdService(string Type, Uri Control)
{
    /// <summary>True for a service that chooses a free port by itself (AddAnyPortMapping of WANIPConnection:2).</summary>
    public bool ChoosesPort => Type.EndsWith(":WANIPConnection:2", StringComparison.Ordinal);
}
