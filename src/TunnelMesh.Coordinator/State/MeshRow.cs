using System.Net;

namespace TunnelMesh.Coordinator.State;

/// <summary>What stays the same in a mesh, and the number of its newest change when this was read.</summary>
/// <param name="MeshId">40-bit mesh ID, 10 hex digits.</param>
/// <param name="Epoch">Identity of the numbering of the map.</param>
/// <param name="Cidr">IPv4 range.</param>
/// <param name="Ula">IPv6 /48.</param>
/// <param name="MapNumber">Number of the newest change.</param>
public sealed record MeshRow(string MeshId, string Epoch, IPNetwork Cidr, IPNetwork Ula, long MapNumber);
