namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>Tells when this machine is connected otherwise than before.</summary>
public interface INetworkMonitor : IDisposable
{
    /// <summary>
    /// Raised once for each change, after it has been quiet for <see cref="NetworkWatch.Quiet"/>, and at the latest <see cref="NetworkWatch.Longest"/> after the
    /// first notice. On a thread of the pool, never on two at once; a handler returns soon and throws nothing.
    /// </summary>
    event Action<NetworkChanges>? Changed;

    /// <summary>How it is connected, as last seen.</summary>
    NetworkState State { get; }
}
