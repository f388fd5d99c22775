namespace TunnelMesh.Platform.Services;

/// <summary>The user whom a service runs as, where that is not root.</summary>
/// <param name="Name">Login name.</param>
/// <param name="Id">User id.</param>
/// <param name="Home">Home directory, absolute.</param>
public sealed record ServiceAccount(string Name, uint Id, string Home);
