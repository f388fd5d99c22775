using System.Net;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Exit;

/// <summary>Routes of a user of an exit in macOS's one table, by the routing socket. Those into the interface go with it; those of a family that leads nowhere do not.</summary>
/// <param name="network">The system.</param>
/// <param name="list">Lists the routes that lead into an interface. Throws <see cref="IOException"/>.</param>
/// <param name="indexOf">The index of an interface; 0 when it is gone.</param>
internal sealed class MacOSHalfRoutes(IMacOSNetwork network, Func<IReadOnlyList<LocalRoute>> list, Func<string, ushort> indexOf)
{
    private const int NoSuchProcess = 3;

    /// <summary>The halves that lead nowhere, since the mesh's interface does not have their family; as <see cref="ExitEntry.Local"/> has them.</summary>
    public static IReadOnlyList<string> Nowhere(ExitUse use) => [.. ExitHalves.All.Where(h => Source(use, h) is null).Select(h => h.ToString())];

    /// <summary>Adds what is not there.</summary>
    /// <exception cref="ExitException">The system refused, or another program has such routes.</exception>
    public void Add(ExitUse use)
    {
        IReadOnlyList<LocalRoute> there = List();
        if (there.FirstOrDefault(r => ExitHalves.All.Contains(r.Prefix) && r.InterfaceName != use.Interface) is { } other)
        {
            throw ExitHalves.Taken(other.Prefix, other.InterfaceName);
        }

        int sequence = 0;
        foreach (IPNetwork half in ExitHalves.All.Where(h => !there.Any(r => r.Prefix.Equals(h))))
        {
            int errno = network.Route(Source(use, half) is null ? RouteMessage.AddReject(half, ++sequence) : RouteMessage.Add(half, indexOf(use.Interface), ++sequence));
            // A system without IPv6 has nothing of it that could leave.
            if (errno is not (0 or UnixNative.EExist) && !(ExitHalves.IsV6(half) && errno is MacOSNative.EAfNoSupport or MacOSNative.EProtoNoSupport))
            {
                throw new ExitException($"The system refused to route {half} into {use.Interface}: {UnixNative.Describe(errno)}.");
            }
        }
    }

    /// <summary>Takes away those that are ours.</summary>
    /// <param name="tun">The mesh's interface; null when it went with its process, and its name may be another's by now.</param>
    /// <param name="nowhere">As from <see cref="Nowhere"/>.</param>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Remove(string? tun, IReadOnlyList<string> nowhere)
    {
        int sequence = 0;
        LocalRoute[] there = [.. List().Where(r => ExitHalves.All.Contains(r.Prefix))];
        foreach (LocalRoute route in there.Where(r => r.InterfaceName == tun))
        {
            Check(network.Route(RouteMessage.Delete(route.Prefix, indexOf(route.InterfaceName), ++sequence)), route.Prefix);
        }

        foreach (string text in nowhere)
        {
            // The system takes a route away by its prefix: one that leads somewhere is another program's.
            if (IPNetwork.TryParse(text, out IPNetwork half) && ExitHalves.All.Contains(half) && !there.Any(r => r.Prefix.Equals(half)))
            {
                Check(network.Route(RouteMessage.DeleteReject(half, ++sequence)), half);
            }
        }
    }

    private static IPAddress? Source(ExitUse use, IPNetwork half) => ExitHalves.IsV6(half) ? use.Source6 : use.Source4;

    // What is not there any more is what was wanted.
    private static void Check(int errno, IPNetwork half)
    {
        if (errno is not (0 or NoSuchProcess or MacOSNative.EAfNoSupport))
        {
            throw new ExitException($"The system refused to take the route {half} away: {UnixNative.Describe(errno)}.");
        }
    }

    private IReadOnlyList<LocalRoute> List()
    {
        try
        {
            return list();
        }
        catch (IOException e)
        {
            throw new ExitException(e.Message, e);
        }
    }
}
