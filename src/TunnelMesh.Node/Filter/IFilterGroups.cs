namespace TunnelMesh.Node.Filter;

/// <summary>Knows who belongs to which group. Any thread.</summary>
public interface IFilterGroups
{
    /// <summary>True when the device belongs to a group.</summary>
    /// <param name="group">Name of the group, lower case.</param>
    /// <param name="deviceId">The device's ID, 32 hex digits.</param>
    bool IsMember(string group, string deviceId);

    /// <summary>True when there is such a group.</summary>
    /// <param name="group">Name of the group, lower case.</param>
    bool Exists(string group);
}
