using System.Net;

namespace TunnelMesh.Node.Dns;

/// <summary>Other servers for names of others, for as long as traffic leaves through an exit peer: they are asked as programs ask, so that nobody on the way sees the names.</summary>
/// <param name="Servers">Whom to ask; nobody while the exit peer is not there.</param>
/// <param name="IsDirect">Names, in canonical form, that are asked for as if there were no detour: without those of the coordinators nobody could get to the exit peer.</param>
public sealed record DnsDetour(IReadOnlyList<IPEndPoint> Servers, DnsDetour.NameTest IsDirect)
{
    /// <summary>A test of a name in canonical form.</summary>
    public delegate bool NameTest(ReadOnlySpan<byte> name);
}
