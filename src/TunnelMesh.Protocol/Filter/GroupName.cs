using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Protocol.Filter;

/// <summary>Names of groups of users. Groups that are made are called as devices are; built-in ones are there in every mesh. Pure.</summary>
public static class GroupName
{
    /// <summary>Every user of the mesh. It is never sent, since every device is in it.</summary>
    public const string Everyone = "everyone";

    /// <summary>The users who administer the mesh.</summary>
    public const string AllAdminUsers = "all_admin_users";

    /// <summary>The users that stand for services.</summary>
    public const string AllServiceUsers = "all_service_users";

    /// <summary>Groups of one device that a viewer looks at; a longer list in the map is cut.</summary>
    public const int MaxOfDevice = 64;

    /// <summary>Built-in groups, the widest first.</summary>
    public static IReadOnlyList<string> BuiltIn { get; } = [Everyone, AllAdminUsers, AllServiceUsers];

    /// <summary>True for a group that is there in every mesh: nobody makes it, deletes it or chooses its members.</summary>
    public static bool IsBuiltIn(string name) => BuiltIn.Contains(name);

    /// <summary>True when a group may be made under the name: a lower-case DNS label (RFC 1123) that no built-in group has.</summary>
    public static bool MayBeMade(string? name) => MeshName.IsValid(name) && !IsBuiltIn(name!);
}
