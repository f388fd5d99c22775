using System.Globalization;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>
/// A router with NAT between a LAN of its own and an <see cref="Underlay"/>, or the LAN of another router. IPv4 only. What comes first from outside is dropped before it becomes a
/// flow of the router's own, which would keep the port from the flow that is to come.
/// </summary>
internal sealed class NatRouter : IAsyncDisposable
{
    /// <summary>Keeps the port where it can: the same for every destination.</summary>
    public const string Easy = "masquerade";

    /// <summary>A port by chance for every flow.</summary>
    public const string Hard = "masquerade fully-random";

    /// <summary>Lets no UDP through.</summary>
    public const string NoUdp = "chain forwarded { type filter hook forward priority 0; meta l4proto udp drop; }";

    /// <summary>Tells nobody that a packet was too large. Who does that shortens TCP segments, or nothing at all would work there.</summary>
    public const string NoIcmp =
        """
        chain sent { type filter hook output priority 0; meta l4proto icmp drop; }
        chain forwarded { type filter hook forward priority 0; meta l4proto icmp drop; tcp flags syn tcp option maxseg size set rt mtu; }
        """;

    /// <summary>Lets no fragment through; before the kernel puts fragments together, which it does for its own NAT.</summary>
    public const string NoFragments = "chain whole { type filter hook prerouting priority -450; ip frag-off & 0x3fff != 0 drop; }";

    private readonly List<NetworkNamespace> _own = [];
    private readonly string _tag;
    private readonly string _network;
    private readonly NetworkNamespace _machine;

    private NatRouter(NetworkNamespace machine, string tag, string network) => (_machine, _tag, _network) = (machine, tag, network);

    /// <summary>A router with a LAN that is empty yet.</summary>
    /// <param name="underlay">Its outside, unless it is behind another router.</param>
    /// <param name="cancel">Ends it.</param>
    /// <param name="nat">How it maps what leaves: <see cref="Easy"/> or <see cref="Hard"/>.</param>
    /// <param name="rules">Further chains: <see cref="NoUdp"/>, <see cref="NoIcmp"/>, <see cref="NoFragments"/>, each on a line of its own.</param>
    /// <param name="behind">Another router whose LAN is this one's outside.</param>
    /// <param name="mtu">Of the line to that router.</param>
    /// <param name="network">The first three bytes of its LAN's addresses; null for 192.168.1, or 192.168.2 behind another router.</param>
    public static async Task<NatRouter> AddAsync(
        Underlay underlay, CancellationToken cancel, string nat = Easy, string rules = "", NatRouter? behind = null, int mtu = 1500, string? network = null)
    {
        Requirements.Programs("nft", "sysctl");
        NetworkNamespace machine = behind is null ? await underlay.AddMachineAsync(cancel) : await behind.AddMachineAsync(cancel, mtu);
        // Where a router is behind another one, its LAN must not look like that one's.
        NatRouter router = new(machine, $"{machine.Name}-lan", network ?? (behind is null ? "192.168.1" : "192.168.2"));
        await machine.IpAsync("link add lan0 type bridge", cancel);
        await machine.IpAsync($"address add {router._network}.1/24 dev lan0", cancel);
        await machine.IpAsync("link set lan0 up", cancel);
        await machine.RunAsync(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"], cancel: cancel);
        await machine.RunAsync(["nft", "-f", "-"],
            $$"""
            table ip router {
                chain strangers { type filter hook prerouting priority 0; iifname "eth0" ct state new drop; }
                chain outward { type nat hook postrouting priority 100; oifname "eth0" {{nat}}; }
                {{rules}}
            }
            """, cancel);
        return router;
    }

    /// <summary>A machine on the LAN: the first has the number 11.</summary>
    /// <param name="cancel">Ends it.</param>
    /// <param name="mtu">Of its cable.</param>
    public async Task<NetworkNamespace> AddMachineAsync(CancellationToken cancel, int mtu = 1500)
    {
        string number = (11 + _own.Count).ToString(CultureInfo.InvariantCulture);
        NetworkNamespace machine = await NetworkNamespace.CreateAsync($"{_tag}{number}", $"{_network}.{number}", "", cancel);
        _own.Add(machine);
        await ConnectAsync(machine, "eth0", number, mtu, cancel);
        await machine.IpAsync($"route add default via {Gateway}", cancel);
        return machine;
    }

    /// <summary>Its address outside.</summary>
    public string Outside => _machine.Address;

    /// <summary>Its address on the LAN.</summary>
    public string Gateway => $"{_network}.1";

    /// <summary>Another cable of a machine that is there already, with an address of this LAN and no default route.</summary>
    /// <param name="machine">Which one; stays the caller's.</param>
    /// <param name="device">The name of the port there.</param>
    /// <param name="cancel">Ends it.</param>
    public Task ConnectAsync(NetworkNamespace machine, string device, CancellationToken cancel) => ConnectAsync(machine, device, "99", 1500, cancel);

    public async ValueTask DisposeAsync()
    {
        foreach (NetworkNamespace machine in _own)
        {
            await machine.DisposeAsync();
        }
    }

    private async Task ConnectAsync(NetworkNamespace machine, string device, string number, int mtu, CancellationToken cancel)
    {
        await machine.IpAsync($"link add {device} mtu {mtu} type veth peer name lan{number} mtu {mtu} netns {_machine.Name}", cancel);
        await machine.IpAsync($"link set {device} up", cancel);
        // A bridge takes over the smallest MTU of its ports, and with that the whole line has it.
        await _machine.IpAsync($"link set lan{number} master lan0 up", cancel);
        await machine.IpAsync($"address add {_network}.{number}/24 dev {device}", cancel);
    }
}
