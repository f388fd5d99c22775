using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Dns;

/// <summary>Who is answered: this machine itself, and the mesh. Immutable, swapped whole.</summary>
public sealed class DnsAudience
{
    private readonly DnsSource[] _own;
    private readonly (UInt128 Prefix, int Shift, bool IsIPv4)[] _mesh;

    /// <param name="own">Addresses of this machine, the mesh's among them; loopback always counts.</param>
    /// <param name="mesh">Ranges of the mesh.</param>
    public DnsAudience(IEnumerable<IPAddress> own, IEnumerable<IPNetwork> mesh)
    {
        _own = [.. own.Select(DnsSource.Of).Distinct()];
        _mesh = [.. mesh.Select(Range)];
    }

    /// <summary>True for this machine: it is not limited, and its questions on other names are sent on.</summary>
    public bool IsOwn(in DnsSource source) => source.IsLoopback || Array.IndexOf(_own, source) >= 0;

    /// <summary>True for a device of the mesh.</summary>
    public bool IsMesh(in DnsSource source)
    {
        foreach ((UInt128 prefix, int shift, bool v4) in _mesh)
        {
            if (v4 == source.IsIPv4 && source.Number >> shift == prefix)
            {
                return true;
            }
        }
        return false;
    }

    private static (UInt128, int, bool) Range(IPNetwork range)
    {
        bool v4 = range.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        // Shifting by the whole width would shift by nothing; a mesh is never that large.
        int shift = Math.Min((v4 ? 32 : 128) - range.PrefixLength, 127);
        return (DnsNode.Key(range.BaseAddress) >> shift, shift, v4);
    }
}
