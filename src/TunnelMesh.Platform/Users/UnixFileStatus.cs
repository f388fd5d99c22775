namespace TunnelMesh.Platform.Users;

/// <summary>Whose a file or directory is, and what others may do with it.</summary>
/// <param name="Owner">Number of its user.</param>
/// <param name="Mode">Its mode; with an access control list, the group's part holds what any of those in the list may (acl(5)).</param>
/// <param name="LinkTarget">Where it leads, when it is a symbolic link; else null.</param>
public readonly record struct UnixFileStatus(uint Owner, UnixFileMode Mode, string? LinkTarget = null);
