namespace TunnelMesh.Node.Paths;

/// <summary>Transports by the names of the configuration.</summary>
public static class PathNames
{
    /// <summary>The name of a transport.</summary>
    public static string Of(PathTransport transport) => transport switch
    {
        PathTransport.Udp => "udp",
        PathTransport.Ssh => "ssh",
        _ => "relay",
    };

    /// <summary>The transports with these names, in this order, each once; unknown names are passed over.</summary>
    /// <param name="names">As in the configuration or the map.</param>
    public static IReadOnlyList<PathTransport> Parse(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        PathTransport[] all = Enum.GetValues<PathTransport>();
        return [.. names.SelectMany(n => all.Where(t => Of(t) == n)).Distinct()];
    }
}
