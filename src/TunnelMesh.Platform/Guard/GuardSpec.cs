using System.Net;

namespace TunnelMesh.Platform.Guard;

/// <summary>What may come in by the mesh's interface only.</summary>
/// <param name="Interface">The mesh's interface; it need not exist yet.</param>
/// <param name="Own">This device's addresses in the mesh: no destination of what comes by another interface.</param>
/// <param name="Ranges">The mesh's ranges: no source of it.</param>
public sealed record GuardSpec(string Interface, IReadOnlyList<IPAddress> Own, IReadOnlyList<IPNetwork> Ranges);
