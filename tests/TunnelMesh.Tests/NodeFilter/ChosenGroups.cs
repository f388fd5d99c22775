using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>Groups as a test chooses them.</summary>
internal sealed class ChosenGroups : IFilterGroups
{
    private readonly Dictionary<string, HashSet<string>> _members = [];

    /// <summary>Who is in a group from now on.</summary>
    public void Set(string group, params IEnumerable<string> deviceIds) => _members[group] = [.. deviceIds];

    public bool IsMember(string group, string deviceId) => group == GroupName.Everyone || (_members.TryGetValue(group, out HashSet<string>? members) && members.Contains(deviceId));

    public bool Exists(string group) => group == GroupName.Everyone || _members.ContainsKey(group);
}
