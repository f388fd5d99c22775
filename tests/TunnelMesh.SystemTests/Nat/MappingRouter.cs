using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Nat;

/// <summary>
/// A home network: a machine inside, a router with NAT, firewall and the real miniupnpd, and a machine outside. The outside has addresses of the public internet, in a namespace
/// that leads nowhere: miniupnpd maps nothing where its own address is of a range for documentation.
/// </summary>
internal sealed class MappingRouter : IAsyncDisposable
{
    public const string Address = "45.79.13.1", OutsideAddress = "45.79.13.2", InsideAddress = "192.168.7.2", InsideAddress6 = "2a01:7e00:77::2", OutsideAddress6 = "2a01:7e00:13::2";
    public const int Port = 2223;

    // The chains that miniupnpd is told to fill; nothing else is let in. What comes too soon is dropped before it becomes a flow of the router's own.
    private const string Rules = """
        table inet filter {
            chain forward {
                type filter hook forward priority 0; policy drop;
                ct state established,related accept
                iifname "lan0" accept
                meta l4proto ipv6-icmp accept
                jump miniupnpd
            }
            chain miniupnpd { }
            chain input {
                type filter hook input priority 0; policy accept;
                iifname "eth0" ct state new meta l4proto udp drop
            }
            chain prerouting {
                type nat hook prerouting priority -100; policy accept;
                jump prerouting_miniupnpd
            }
            chain postrouting {
                type nat hook postrouting priority 100; policy accept;
                jump postrouting_miniupnpd
                ip saddr 192.168.7.0/24 oifname "eth0" masquerade
            }
            chain prerouting_miniupnpd { }
            chain postrouting_miniupnpd { }
        }
        """;

    private const string Configuration = """
        ext_ifname=eth0
        ext_ifname6=eth0
        listening_ip=lan0
        enable_natpmp=yes
        enable_upnp=yes
        min_lifetime=2
        max_lifetime=86400
        secure_mode=yes
        system_uptime=no
        notify_interval=60
        uuid=6b6f5c1e-3f0b-4a7e-9a3d-0f9c5f9c7a11
        upnp_table_name=filter
        upnp_nat_table_name=filter
        upnp_forward_chain=miniupnpd
        upnp_nat_chain=prerouting_miniupnpd
        upnp_nat_postrouting_chain=postrouting_miniupnpd
        """;

    private readonly Underlay _underlay;
    private RunningProgram? _daemon;

    private MappingRouter(Underlay underlay, NetworkNamespace inside, NetworkNamespace router, NetworkNamespace outside)
    {
        _underlay = underlay;
        (Inside, Router, Outside) = (inside, router, outside);
    }

    public NetworkNamespace Inside { get; }

    public NetworkNamespace Router { get; }

    public NetworkNamespace Outside { get; }

    /// <param name="cancel">Ends it.</param>
    /// <param name="masquerade">How the router maps what leaves.</param>
    /// <param name="daemon">Whether it has a miniupnpd.</param>
    public static async Task<MappingRouter> CreateAsync(CancellationToken cancel, string masquerade = "masquerade", bool daemon = true)
    {
        Requirements.Programs(daemon ? ["nft", "miniupnpd"] : ["nft"]);
        Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace router = await underlay.AddMachineAsync(cancel), outside = await underlay.AddMachineAsync(cancel);
        NetworkNamespace inside = await NetworkNamespace.CreateAsync($"{underlay.Tag}-in", InsideAddress, InsideAddress6, cancel);
        MappingRouter made = new(underlay, inside, router, outside);
        await inside.IpAsync($"link add eth0 type veth peer name lan0 netns {router.Name}", cancel);
        foreach ((NetworkNamespace machine, string command) in new[]
        {
            (router, "address flush dev eth0 scope global"),
            (router, $"address add {Address}/24 dev eth0"),
            (router, "address add 2a01:7e00:13::1/64 dev eth0 nodad"),
            (router, "address add 192.168.7.1/24 dev lan0"),
            (router, "address add 2a01:7e00:77::1/64 dev lan0 nodad"),
            (router, "address add fe80::77/64 dev lan0 nodad"),
            (router, "link set lan0 up"),
            (outside, $"address add {OutsideAddress}/24 dev eth0"),
            (outside, $"address add {OutsideAddress6}/64 dev eth0 nodad"),
            (outside, "-6 route add 2a01:7e00:77::/64 via 2a01:7e00:13::1"),
            (inside, $"address add {InsideAddress}/24 dev eth0"),
            (inside, $"address add {InsideAddress6}/64 dev eth0 nodad"),
            (inside, "link set eth0 up"),
            (inside, "route add default via 192.168.7.1"),
            (inside, "-6 route add default via fe80::77 dev eth0"),
        })
        {
            await machine.IpAsync(command, cancel);
        }

        await router.RunAsync(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"], cancel: cancel);
        await router.RunAsync(["nft", "-f", "-"], Rules.Replace("masquerade", masquerade, StringComparison.Ordinal), cancel);
        if (daemon)
        {
            await made.StartDaemonAsync(cancel);
        }

        return made;
    }

    /// <summary>Starts miniupnpd, and waits until it serves.</summary>
    public async Task StartDaemonAsync(CancellationToken cancel)
    {
        string file = Path.Combine(_underlay.Folder, "miniupnpd.conf");
        await File.WriteAllTextAsync(file, Configuration, cancel);
        _daemon = Router.Start(["miniupnpd", "-d", "-f", file, "-P", Path.Combine(_underlay.Folder, "miniupnpd.pid")]);
        await _daemon.WaitForLineAsync("Listening for NAT-PMP/PCP traffic", TimeSpan.FromSeconds(10), cancel);
    }

    /// <summary>What a power cut does: the daemon and all its mappings are gone.</summary>
    public async Task CutPowerAsync(CancellationToken cancel)
    {
        await _daemon!.DisposeAsync();
        await Router.RunAsync(["nft", "-f", "-"], "flush chain inet filter miniupnpd; flush chain inet filter prerouting_miniupnpd; flush chain inet filter postrouting_miniupnpd", cancel);
        File.Delete(Path.Combine(_underlay.Folder, "miniupnpd.pid"));
    }

    public string DaemonOutput => _daemon!.Output;

    public INetworkMonitor Watch() => NamespaceThread.Run(Inside, () => NetworkWatch.Start(null, _ => { }, TimeProvider.System));

    public PortMapper StartMapper(INetworkMonitor monitor, TimeSpan lifetime, params PortMappingMethod[] methods) => PortMapper.Start(new PortMapperOptions
    {
        Port = Port,
        Network = () => monitor.State,
        Methods = methods,
        Lifetime = lifetime,
        MakeSocket = (family, type, protocol) => NamespaceThread.Run(Inside, () => new Socket(family, type, protocol)),
    });

    /// <summary>Sends from outside to where the router is said to forward; the datagram as it arrives inside.</summary>
    public static async Task<(string Text, IPEndPoint Source)> SendAsync(Socket outside, IPEndPoint target, Socket inside, string text, CancellationToken cancel)
    {
        await outside.SendToAsync(System.Text.Encoding.ASCII.GetBytes(text), SocketFlags.None, target, cancel);
        byte[] buffer = new byte[100];
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        SocketReceiveFromResult result = await inside.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(inside.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0), limit.Token);
        return (System.Text.Encoding.ASCII.GetString(buffer, 0, result.ReceivedBytes), (IPEndPoint)result.RemoteEndPoint);
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }

        await Inside.DisposeAsync();
        await _underlay.DisposeAsync();
    }
}
