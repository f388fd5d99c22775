namespace TunnelMesh.Node.Filter;

/// <summary>The one group that every mesh has: <c>everyone</c>.</summary>
public sealed class EveryoneOnly : IFilterGroups
{
    private const string Everyone = "everyone";

    /// <inheritdoc/>
    public bool IsMember(string group, string deviceId) => Exists(group);

    /// <inheritdoc/>
    public bool Exists(string group) => group == Everyone;
}
