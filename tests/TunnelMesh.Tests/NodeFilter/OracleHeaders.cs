namespace TunnelMesh.Tests.NodeFilter;

/// <summary>What stands between the addresses of a packet and its upper layer.</summary>
internal enum OracleHeaders
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>Options of IPv4, destination options of IPv6: they change nothing.</summary>
    Options,
    /// <summary>A routing header of IPv6 that has done its work; options of IPv4.</summary>
    Routed,
    /// <summary>A routing header of IPv6 that wants to go on; options of IPv4.</summary>
    RoutedOn,
}
