using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

/// <summary>One interface as the kernel of Linux keeps it, in memory: what goes with what, and comes back with it.</summary>
internal sealed class PlayedLinks : ILinks
{
    private const int NotPermitted = 1, NoDevice = 19, AccessDenied = 13, NetworkDown = 100, LeastOfV6 = 1280;
    private readonly List<TunAddress> _addresses = [];
    private readonly List<System.Net.IPNetwork> _routes = [];

    public string Name { get; set; } = "tun-mesh0";

    public bool Up { get; set; }

    public int Mtu { get; set; } = 1500;

    /// <summary>Gone with all of it.</summary>
    public bool Gone { get; set; }

    /// <summary>As by net.ipv6.conf.NAME.disable_ipv6.</summary>
    public bool V6Off { get; set; }

    /// <summary>Every change is refused.</summary>
    public bool Refuses { get; set; }

    /// <summary>The kernel does not tell.</summary>
    public bool Silent { get; set; }

    /// <summary>Whether the kernel gives the interface an address of its own as soon as it is up and has IPv6.</summary>
    public bool Generates { get; private set; } = true;

    public int Changes { get; private set; }

    public IEnumerable<string> State => [Name, Up ? "up" : "down", $"{Mtu}", .. _addresses.Select(a => $"{a.Address}/{a.PrefixLength}"), .. _routes.Select(r => $"{r}")];

    public LinkState? Read(uint index) => Silent ? throw new IOException("The system does not tell.") : Gone ? null : new LinkState(Name, Up, Mtu, [.. _addresses], [.. _routes]);

    public int SetMtu(uint index, int mtu) => Change(() =>
    {
        bool back = Mtu < LeastOfV6 && mtu >= LeastOfV6;
        Mtu = mtu;
        if (mtu < LeastOfV6)
        {
            Forget(a => a.AddressFamily == AddressFamily.InterNetworkV6);
        }

        Generates |= back;
        Generate();
    });

    public int DisableAddressGeneration(uint index) => Change(() => Generates = false);

    public int SetUp(uint index) => Change(() =>
    {
        Up = true;
        foreach (TunAddress address in _addresses)
        {
            AddRoute(address);
        }

        Generate();
    });

    public int SetDown(uint index) => Change(() =>
    {
        Up = false;
        _routes.Clear();
        Forget(a => a.AddressFamily == AddressFamily.InterNetworkV6);
    });

    public int AddAddress(uint index, IPAddress address, int prefixLength) =>
        V6Off && address.AddressFamily == AddressFamily.InterNetworkV6 ? AccessDenied : Change(() =>
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6 && _addresses.Exists(a => a.Address.Equals(address)))
            {
                return;
            }

            TunAddress added = new(address, prefixLength);
            _addresses.Add(added);
            if (Up)
            {
                AddRoute(added);
            }
        });

    public int RemoveAddress(uint index, TunAddress address) => Change(() =>
    {
        _addresses.Remove(address);
        _routes.Remove(Prefixes.Of(address.Address, address.PrefixLength));
    });

    public int AddPrefixRoute(uint index, TunAddress address) => !Up ? NetworkDown : Change(() => AddRoute(address));

    public int AddRoute(uint index, System.Net.IPNetwork prefix) => !Up ? NetworkDown : Change(() => _routes.Add(prefix));

    /// <summary>As `ip address delete` and `ip address flush`.</summary>
    public void Forget(Predicate<IPAddress> which)
    {
        foreach (TunAddress address in _addresses.FindAll(a => which(a.Address)))
        {
            _addresses.Remove(address);
            _routes.Remove(Prefixes.Of(address.Address, address.PrefixLength));
        }
    }

    /// <summary>As `ip route flush`.</summary>
    public void ForgetRoutes() => _routes.Clear();

    public void Dispose()
    {
        // Whoever looks may look again.
    }

    private int Change(Action change)
    {
        if (Gone || Refuses)
        {
            return Gone ? NoDevice : NotPermitted;
        }

        Changes++;
        change();
        return 0;
    }

    private void AddRoute(TunAddress address)
    {
        System.Net.IPNetwork prefix = Prefixes.Of(address.Address, address.PrefixLength);
        if (!_routes.Contains(prefix))
        {
            _routes.Add(prefix);
        }
    }

    private void Generate()
    {
        if (Up && Generates && Mtu >= LeastOfV6)
        {
            _addresses.Add(new TunAddress(IPAddress.Parse("fe80::1"), 64));
        }
    }
}
