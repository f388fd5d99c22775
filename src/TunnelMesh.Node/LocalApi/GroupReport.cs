namespace TunnelMesh.Node.LocalApi;

/// <summary>A group of users.</summary>
public sealed record GroupReport
{
    /// <summary>Its name, as rules have it behind <c>group:</c>.</summary>
    public required string Name { get; init; }
    /// <summary>True for a group that is there in every mesh, and whose members `group` does not choose.</summary>
    public required bool BuiltIn { get; init; }
    /// <summary>Users in it.</summary>
    public required int Members { get; init; }
}
