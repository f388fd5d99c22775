namespace TunnelMesh.Coordinator.State;

/// <summary>The device as it is on disk now.</summary>
/// <param name="Device">Its row.</param>
/// <param name="Created">True when it was not known before.</param>
/// <param name="Changed">True when the network map changed, under <paramref name="MapNumber"/>.</param>
/// <param name="MapNumber">Number of the newest change of the map.</param>
public sealed record RegistrationResult(DeviceRow Device, bool Created, bool Changed, long MapNumber)
{
    /// <summary>All who administer the mesh now, when this registration made its user one of them; else null.</summary>
    public IReadOnlyList<AdminRow>? Admins { get; init; }
}
