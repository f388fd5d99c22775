namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>The two clocks of a system that differ by how long it has slept.</summary>
internal interface ISystemClocks
{
    /// <summary>Goes on while the machine sleeps.</summary>
    TimeSpan WithSleep { get; }

    /// <summary>Stands still while the machine sleeps.</summary>
    TimeSpan WithoutSleep { get; }
}
