using System.Net.Sockets;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Tun;

/// <summary>Keeps an interface of ours as it was made, by rtnetlink: what is for the mesh must not leave by another one because somebody has taken this one down or emptied it. One thread at a time.</summary>
/// <param name="open">Gives the kernel's interfaces.</param>
/// <param name="index">The interface.</param>
/// <param name="made">How it was made; its addresses are those that were really set.</param>
internal sealed class TunKeeper(Func<ILinks> open, uint index, TunOptions made) : IDisposable
{
    private ILinks? _links;

    /// <inheritdoc cref="ITunDevice.Restore"/>
    public TunLook Restore()
    {
        List<string> back = [], problems = [];
        try
        {
            Restore(_links ??= open(), back, problems);
        }
        catch (Exception e) when (e is IOException or TunException)
        {
            problems.Add(e.Message);
        }

        return back.Count + problems.Count == 0 ? TunLook.Whole : new TunLook(back, problems.Count == 0 ? null : string.Join(' ', problems));
    }

    /// <inheritdoc cref="ITunDevice.Watch"/>
    public IDisposable? Watch(Action notice)
    {
        try
        {
            return DescriptorNotices.OfLink(index, notice);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _links?.Dispose();

    private void Restore(ILinks links, List<string> back, List<string> problems)
    {
        if (links.Read(index) is not { } now)
        {
            problems.Add($"the interface {made.Name} is gone. Start the peer again.");
            return;
        }

        if (now.Name != made.Name)
        {
            problems.Add($"the interface {made.Name} was renamed, and rules of the system name it. Start the peer again, or rename it back: ip link set {now.Name} name {made.Name}");
        }

        bool down = !now.Up;
        if (now.Mtu != made.Mtu)
        {
            // Below the least MTU of IPv6 the kernel has forgotten the family. It would begin anew with an address of its own if the interface were up.
            down |= now.Mtu < TunDevice.MinIPv6Mtu && links.SetDown(index) == 0;
            Try(links.SetMtu(index, made.Mtu), "set the MTU of", $"MTU {made.Mtu}");
            _ = links.DisableAddressGeneration(index);
        }

        if (down && !Try(links.SetUp(index), "bring up", now.Up ? null : "up"))
        {
            // It takes nothing else then.
            return;
        }

        // What belongs to what was put back comes by itself.
        now = down ? links.Read(index) ?? now : now;
        TunAddress[] missing = [.. made.Addresses.Except(now.Addresses)];
        foreach (TunAddress address in missing)
        {
            // The kernel takes an IPv6 address of another prefix length for the one that is added, and leaves it as it is.
            foreach (TunAddress other in now.Addresses.Where(a => a.Address.Equals(address.Address)))
            {
                _ = links.RemoveAddress(index, other);
            }

            int errno = links.AddAddress(index, address.Address, address.PrefixLength);
            if (IsV6(address) && errno == UnixNative.EAcces)
            {
                problems.Add($"IPv6 was switched off on {made.Name}, so it has lost {address.Address}. Switch it on again: sysctl -w net.ipv6.conf.{made.Name}.disable_ipv6=0");
                continue;
            }

            Try(errno, $"give the address {address.Address}/{address.PrefixLength} to", $"{address.Address}");
        }

        now = missing.Length > 0 ? links.Read(index) ?? now : now;
        foreach (TunAddress address in made.Addresses.Intersect(now.Addresses))
        {
            System.Net.IPNetwork prefix = Prefixes.Of(address.Address, address.PrefixLength);
            if (address.PrefixLength < (IsV6(address) ? 128 : 32) && !now.Routes.Contains(prefix))
            {
                Try(links.AddPrefixRoute(index, address), $"route {prefix} into", $"route {prefix}");
            }
        }

        foreach (System.Net.IPNetwork route in made.Routes.Except(now.Routes).Where(r => now.Addresses.Any(a => a.Address.AddressFamily == r.BaseAddress.AddressFamily)))
        {
            Try(links.AddRoute(index, route), $"route {route} into", $"route {route}");
        }

        bool Try(int errno, string action, string? done)
        {
            if (errno != 0)
            {
                problems.Add($"the system refused to {action} the interface {made.Name}: {UnixNative.Describe(errno)}.");
            }
            else if (done is not null)
            {
                back.Add(done);
            }

            return errno == 0;
        }
    }

    private static bool IsV6(TunAddress address) => address.Address.AddressFamily == AddressFamily.InterNetworkV6;
}
