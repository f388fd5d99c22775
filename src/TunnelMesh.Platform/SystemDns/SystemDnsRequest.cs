using System.Net;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>What the system is to be told.</summary>
/// <param name="Interface">The mesh's interface.</param>
/// <param name="Server">The resolver at the mesh address, port 53.</param>
/// <param name="Local">The same resolver at a loopback address, port 53: when the peer is gone such a port says so at once. Null where there is none.</param>
/// <param name="Domains">Domains the resolver answers for, without dots around them.</param>
/// <param name="Tag">Whose setting it is, for rules that carry a remark: letters, digits and hyphens.</param>
/// <param name="All">Whether every other name goes to the resolver, too, and to nobody else: where traffic leaves through another device.</param>
/// <param name="Reserve">Whether, with <paramref name="All"/>, servers of before may be named after the resolver nevertheless, since something else keeps them from being asked past it while the peer lives. Names are then found when it was killed.</param>
/// <param name="Addresses">Addresses of the interface, for whoever takes it over with what he is told; null for none.</param>
public sealed record SystemDnsRequest(string Interface, IPAddress Server, IPAddress? Local, IReadOnlyList<string> Domains, string Tag, bool All = false, bool Reserve = false,
    IReadOnlyList<TunAddress>? Addresses = null)
{
    /// <summary>Whether nobody but the resolver may be named.</summary>
    public bool Alone => All && !Reserve;
}
