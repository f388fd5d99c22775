namespace TunnelMesh.Node.LocalApi;

/// <summary>What the control socket asks of the running peer. Called from several connections at once.</summary>
public interface ILocalApiHandler
{
    /// <summary>State of this peer.</summary>
    StatusReport GetStatus();
    /// <summary>The other devices.</summary>
    IReadOnlyList<PeerReport> GetPeers();
    /// <summary>Addresses of a name, or null when the mesh has no device by it.</summary>
    /// <param name="name">A device name, alone or with a suffix of the mesh.</param>
    ResolveReport? Resolve(string name);
    /// <summary>Leaves the mesh for good; the process stops after the answer was sent.</summary>
    /// <param name="force">Forget the mesh even when the coordinator cannot be told; it then keeps the device in its list.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>True when the coordinator agreed, false when only this machine has forgotten the mesh.</returns>
    /// <exception cref="LocalApiException">The coordinator could not be told, and <paramref name="force"/> is not set.</exception>
    Task<bool> LeaveAsync(bool force, CancellationToken cancellation);
    /// <summary>Asks the process to stop; returns at once.</summary>
    void RequestShutdown();
}
