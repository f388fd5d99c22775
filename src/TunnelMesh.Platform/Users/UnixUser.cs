namespace TunnelMesh.Platform.Users;

/// <summary>A user as the system knows it (passwd(5)).</summary>
/// <param name="Name">Login name.</param>
/// <param name="Id">User id.</param>
/// <param name="Group">Id of the first group.</param>
/// <param name="Home">Home directory, as it stands there.</param>
public sealed record UnixUser(string Name, uint Id, uint Group, string Home);
