using System.Net;
using System.Net.Sockets;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Keeps a mesh from taking over a network this machine is connected to, that of another context among them.</summary>
/// <param name="contexts">The contexts of this home.</param>
/// <param name="context">The context of the mesh.</param>
/// <param name="ownInterface">Interface of the mesh, which does not count.</param>
internal sealed class MeshRange(ContextStore contexts, string context, string ownInterface)
{
    private const byte FirstSuggested = 42, LastSuggested = 99;

    /// <summary>Compares a mesh's range with this machine's routes.</summary>
    /// <param name="cidr">Range of the mesh.</param>
    /// <param name="founding">True while the range can still be chosen.</param>
    /// <exception cref="ConfigException">They overlap.</exception>
    public void Check(string cidr, bool founding = false)
    {
        IPNetwork range = IPNetwork.Parse(cidr);
        if (LocalNetworks.FindCollision(range, ownInterface) is not { } route)
        {
            return;
        }
        (string Context, IPNetwork Range)? other = Overlapping(range).Select(o => ((string, IPNetwork)?)o).FirstOrDefault();
        string what = other is { } mesh
            ? $"The mesh range {cidr} overlaps {mesh.Range} of the mesh of the context {mesh.Context}, whose peer is running here (interface {route.InterfaceName}); packets could go to one of the two only. "
            : $"The mesh range {cidr} overlaps the route {route.Prefix} of this machine into {route.InterfaceName}; one of them would be cut off. ";
        throw new ConfigException(what + (founding, other) switch
        {
            (true, _) => $"A mesh keeps the range it is founded with, so choose another one now: {Suggestion()}. Nothing was founded.",
            (false, { } two) => $"Run one of them at a time (stop the peer of {two.Context}), or leave one of the two meshes (tunnelmesh leave --context {two.Context}). " +
                "Both at once need one of them founded anew with a range of its own (coordinator.mesh_cidr in its coordinator's configuration).",
            _ => "A mesh keeps the range it was founded with: found it with another one (coordinator.mesh_cidr in the coordinator's configuration), or remove the route.",
        });
    }

    /// <summary>Other contexts whose mesh has addresses in common with a range, whether they run or not.</summary>
    public IEnumerable<(string Context, IPNetwork Range)> Overlapping(IPNetwork range)
    {
        foreach (string name in contexts.Names().Where(n => n != context))
        {
            if (contexts.Membership(name) is { } member && member.Mesh.TryGetRanges(out IPNetwork other, out _) && (other.Contains(range.BaseAddress) || range.Contains(other.BaseAddress)))
            {
                yield return (name, other);
            }
        }
    }

    /// <summary>Ranges of the meshes of other contexts: their addresses are inside tunnels, so they are no endpoints of one.</summary>
    public IReadOnlyList<IPNetwork> OfOthers()
    {
        List<IPNetwork> ranges = [];
        foreach (PeerMembership member in contexts.Names().Where(n => n != context).Select(contexts.Membership).OfType<PeerMembership>())
        {
            if (member.Mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6))
            {
                ranges.AddRange([range4, range6]);
            }
        }
        return ranges;
    }

    private string Suggestion()
    {
        for (byte second = FirstSuggested; second <= LastSuggested; second++)
        {
            IPNetwork range = new(new IPAddress([10, second, 0, 0]), 16);
            if (LocalNetworks.FindCollision(range, ownInterface) is null && !Overlapping(range).Any())
            {
                return $"coordinator.mesh_cidr, for example `coordinator: {{ mesh_cidr: {range} }}`, in its configuration ({contexts.ConfigFile(context)} is read without being named)";
            }
        }
        return "coordinator.mesh_cidr in its configuration";
    }
}
