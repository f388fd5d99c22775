using System.Net;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Keeps a mesh from taking over a network this machine is connected to.</summary>
internal static class MeshRange
{
    /// <summary>Compares with this machine's routes.</summary>
    /// <param name="cidr">Range of the mesh.</param>
    /// <param name="ownInterface">Interface of the mesh, which does not count.</param>
    /// <exception cref="ConfigException">They overlap.</exception>
    public static void Check(string cidr, string ownInterface)
    {
        if (LocalNetworks.FindCollision(IPNetwork.Parse(cidr), ownInterface) is { } route)
        {
            throw new ConfigException(
                $"The mesh range {cidr} overlaps the route {route.Prefix} of this machine into {route.InterfaceName}; one of them would be cut off. " +
                "A mesh keeps the range it was founded with: found it with another one (coordinator.mesh_cidr in the coordinator's configuration), or remove the route.");
        }
    }
}
