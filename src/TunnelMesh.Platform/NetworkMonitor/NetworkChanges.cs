namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>What of the network is another now.</summary>
[Flags]
public enum NetworkChanges
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>An interface that carries addresses came, went, or lost or regained its link.</summary>
    Links = 1,
    /// <summary>An address came or went.</summary>
    Addresses = 2,
    /// <summary>Traffic to the internet takes another way: another gateway, interface or source address, or none.</summary>
    DefaultRoute = 4,
    /// <summary>The machine has slept. What was known of the network may be old, even where it looks the same.</summary>
    Resumed = 8,
}
