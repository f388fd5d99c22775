using System.Net;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Exit;

/// <summary>Routes of a user of an exit, by the IP helper. They go with the adapter, however the process ends.</summary>
/// <param name="ip">The system.</param>
/// <param name="list">The routing table. Throws <see cref="IOException"/>.</param>
internal sealed class WindowsHalfRoutes(IIpHelper ip, Func<ForwardRow[]> list)
{
    /// <summary>Adds what is not there.</summary>
    /// <exception cref="ExitException">The system refused, or another program has such routes.</exception>
    public void Add(ExitUse use)
    {
        ulong luid = ip.LuidOf(use.Interface) ?? throw new ExitException($"the interface {use.Interface} is gone.");
        foreach (ForwardRow row in List())
        {
            if (row.PrefixLength == 1 && row.Luid != luid && row.Destination.Address is { } address)
            {
                throw ExitHalves.Taken(new IPNetwork(address, 1), ip.AliasOf(row.Luid) ?? "of another program");
            }
        }

        foreach (IPNetwork half in Halves(use))
        {
            ForwardRow row = Row(half, luid);
            int error = ip.AddRoute(ref row);
            if (error is not (0 or WindowsNative.ObjectAlreadyExists))
            {
                throw new ExitException($"The system refused to route {half} into {use.Interface}: {WindowsNative.Describe(error)}.");
            }
        }
    }

    /// <summary>Takes them away; with the adapter they have gone.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    public void Remove(ExitUse use)
    {
        if (ip.LuidOf(use.Interface) is not { } luid)
        {
            return;
        }

        foreach (IPNetwork half in Halves(use))
        {
            ForwardRow row = Row(half, luid);
            int error = ip.DeleteRoute(ref row);
            if (error is not (0 or WindowsNative.NotFound or WindowsNative.FileNotFound))
            {
                throw new ExitException($"The system refused to take the route {half} away from {use.Interface}: {WindowsNative.Describe(error)}.");
            }
        }
    }

    private static IEnumerable<IPNetwork> Halves(ExitUse use) => ExitHalves.All.Where(h => !ExitHalves.IsV6(h) || use.Source6 is not null);

    private ForwardRow Row(IPNetwork half, ulong luid)
    {
        ForwardRow row = ip.NewRoute();
        row.Luid = luid;
        row.Destination = InetName.Of(half.BaseAddress);
        row.PrefixLength = (byte)half.PrefixLength;
        row.NextHop = new InetName { Family = row.Destination.Family };
        row.Metric = 0;
        return row;
    }

    private ForwardRow[] List()
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
