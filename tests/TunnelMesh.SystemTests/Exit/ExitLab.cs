using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using TunnelMesh.Protocol.Dns;
using TunnelMesh.SystemTests.Capture;
using TunnelMesh.SystemTests.Dns;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>
/// A small internet behind two ways: the exit peer's own line, and the gateway of the network where all machines are. Who asks the internet from which address tells which way it took; so does a
/// capture at the client's only Ethernet port. Each way has a name server.
/// <code>
///                    +-- gateway (LAN name server) --+
/// hub, exit, client -+                               +-- internet: 203.0.113.80, .53, 2001:db8:80::80
///                    +-- exit ----- its own line ----+
/// </code>
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class ExitLab : IAsyncDisposable
{
    public const string Site = "203.0.113.80", Site6 = "2001:db8:80::80", Name = "www.example.com", Coordinator = "mesh.example.com";

    /// <summary>From where the internet sees what leaves through the exit peer.</summary>
    public const string ExitSource = "192.0.2.2", ExitSource6 = "2001:db8:e::2";

    public const string Serves = "allow_exit_traffic: true", Uses = "exit_peer: exit", Switch = Uses + "\nexit_kill_switch: true";

    private const int SolSocket = 1, SoBindToDevice = 25;

    private readonly Stack<Func<ValueTask>> _undo = new();

    private ExitLab(Underlay underlay) => Underlay = underlay;

    public Underlay Underlay { get; }

    public string Server => $"{Hub.Machine.Address}:8443";

    public NetworkNamespace Internet { get; private set; } = null!;

    public NetworkNamespace Gateway { get; private set; } = null!;

    public Peer Hub { get; private set; } = null!;

    public Peer Exit { get; private set; } = null!;

    public Peer Client { get; private set; } = null!;

    /// <summary>The name server that DHCP would give: whoever asks it, tells the LAN what they look at.</summary>
    public OutsideNames LanNames { get; private set; } = null!;

    public OwnResolvConf ClientResolver { get; private set; } = null!;

    public static async Task<ExitLab> CreateAsync(string token, CancellationToken cancel)
    {
        Requirements.Programs("nft", "curl", "getent");
        ExitLab lab = new(await Underlay.CreateAsync(cancel));
        try
        {
            await lab.BuildAsync(token, cancel);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same with all of them in the mesh, and the client's traffic leaving through the exit peer.</summary>
    /// <param name="token">The mesh's.</param>
    /// <param name="client">Lines of the client's configuration.</param>
    /// <param name="cancel">Gives up.</param>
    /// <param name="server">The coordinator as the client calls it.</param>
    /// <param name="wrapper">What a peer is started by, with its arguments; null for nothing.</param>
    public static async Task<ExitLab> StartAsync(string token, string client, CancellationToken cancel, string? server = null, Func<Peer, IEnumerable<string>>? wrapper = null)
    {
        ExitLab lab = await CreateAsync(token, cancel);
        await lab.Hub.JoinAsync(cancel);
        await lab.Exit.JoinAsync(cancel, lab.Server, Serves, wrapper?.Invoke(lab.Exit));
        await lab.Client.JoinAsync(cancel, server ?? lab.Server, client, wrapper?.Invoke(lab.Client));
        await UntilAsync(lab.Client, "active", "exit", cancel);
        return lab;
    }

    /// <summary>Waits until a peer's exit is as wanted.</summary>
    public static async Task UntilAsync(Peer peer, string state, string traffic, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        for (JsonElement exit; (exit = (await peer.AskJsonAsync(cancel, "status")).GetProperty("exit")).GetProperty("state").GetString() != state || exit.GetProperty("traffic").GetString() != traffic;
            await Task.Delay(100, cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), exit + peer.Program!.Output);
        }
    }

    /// <summary>Nothing that exit traffic changes is changed any more.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="filter">The check of sources as it was before.</param>
    /// <param name="cancel">Gives up.</param>
    public static async Task NothingIsLeftAsync(NetworkNamespace machine, string filter, CancellationToken cancel)
    {
        string rules = await machine.RunAsync(["ip", "rule"], cancel: cancel) + await machine.RunAsync(["ip", "-6", "rule"], cancel: cancel);
        Assert.DoesNotContain("0x746d", rules, StringComparison.Ordinal);
        foreach (string family in new[] { "-4", "-6" })
        {
            Assert.Equal("", (await machine.TryRunAsync(["ip", family, "route", "show", "table", "29805"], cancel)).Output.Trim());
        }

        // A peer that runs has others, against addresses of the mesh that arrive elsewhere.
        Assert.DoesNotContain("tunnelmesh_", await machine.RunAsync(["nft", "list", "tables"], cancel: cancel), StringComparison.Ordinal);
        Assert.Equal($"0 0 {filter}", string.Join(' ', (await machine.RunAsync(
            ["cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding", "/proc/sys/net/ipv4/conf/all/rp_filter"], cancel: cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    public async ValueTask DisposeAsync()
    {
        while (_undo.TryPop(out Func<ValueTask>? undo))
        {
            await undo();
        }

        await Underlay.DisposeAsync();
    }

    /// <summary>From where the internet sees the client just now; empty when it cannot be reached.</summary>
    public async Task<string> SourceAsync(string site, CancellationToken cancel) =>
        (await Client.Machine.TryRunAsync(["curl", "-s", "-g", "--noproxy", "*", "--max-time", "3", $"http://{site}/"], cancel)).Output;

    /// <summary>Waits until the client finds names again that was killed, and so has nobody who closes name servers any more.</summary>
    public async Task UntilNamesAreFoundAsync(CancellationToken cancel)
    {
        for (long start = Stopwatch.GetTimestamp(); !(await Client.Machine.TryRunAsync(["getent", "ahostsv4", Name], cancel)).Succeeded; await Task.Delay(500, cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(75), "no names are found" + await Client.Machine.RunAsync(["nft", "list", "ruleset"], cancel: cancel));
        }
    }

    /// <summary>Asks the LAN's name server by a socket that is bound to the link, as systemd-resolved does; true when the server heard of it.</summary>
    public async Task<bool> LanHearsAsync(CancellationToken cancel)
    {
        int before = LanNames.Asked;
        using Socket socket = NamespaceThread.Run(Client.Machine, () =>
        {
            Socket bound = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            bound.SetRawSocketOption(SolSocket, SoBindToDevice, Encoding.ASCII.GetBytes("eth0\0"));
            return bound;
        });
        byte[] query = new byte[512];
        Assert.True(DnsName.TryWrite(Name, query.AsSpan(DnsQuery.HeaderSize), out int size));
        (query[2], query[5], query[DnsQuery.HeaderSize + size + 1], query[DnsQuery.HeaderSize + size + 3]) = (1, 1, (byte)DnsType.A, 1);
        try
        {
            await socket.SendToAsync(query.AsMemory(0, DnsQuery.HeaderSize + size + 4), new IPEndPoint(IPAddress.Parse(Gateway.Address), 53), cancel);
        }
        catch (SocketException)
        {
            // Closed, and told so at once.
        }

        long start = Stopwatch.GetTimestamp();
        while (LanNames.Asked == before && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1))
        {
            await Task.Delay(10, cancel);
        }

        return LanNames.Asked > before;
    }

    /// <summary>What has left the client's Ethernet port beside the tunnel, as text: packets to outside the underlay, and questions to name servers.</summary>
    public static IReadOnlyList<string> Leaks(IEnumerable<CapturedPacket> packets) => [.. packets.Where(p => p.Outgoing).Select(p => Describe(p.Bytes)).OfType<string>().Distinct()];

    private static string? Describe(byte[] p)
    {
        bool v4 = p.Length >= 20 && p[0] >> 4 == 4;
        if (!v4 && !(p.Length >= 40 && p[0] >> 4 == 6))
        {
            return null;
        }

        IPAddress to = new(v4 ? p.AsSpan(16, 4) : p.AsSpan(24, 16));
        int protocol = v4 ? p[9] : p[6], ports = v4 ? (p[0] & 15) * 4 : 40;
        int port = protocol is 6 or 17 && p.Length >= ports + 4 ? (p[ports + 2] << 8) | p[ports + 3] : 0;
        bool inside = v4 ? IPNetwork.Parse("198.51.100.0/24").Contains(to) || p[16] >= 224
            : IPNetwork.Parse("2001:db8:51::/64").Contains(to) || to.IsIPv6LinkLocal || to.IsIPv6Multicast;
        // The mesh's own packets try every address of the exit peer, that of its line too.
        bool mesh = to.ToString() is ExitSource or ExitSource6 && port is 2222 or 2223;
        return mesh || (inside && port != 53) ? null : $"protocol {protocol} to {to} port {port}";
    }

    private async Task BuildAsync(string token, CancellationToken cancel)
    {
        Hub = await AddAsync("hub");
        Exit = await AddAsync("exit");
        Client = await AddAsync("client");
        Gateway = await Underlay.AddMachineAsync(cancel);
        Internet = await NetworkNamespace.CreateAsync($"{Underlay.Tag}-inet", "203.0.113.53", Site6, cancel);
        _undo.Push(Internet.DisposeAsync);
        foreach (string command in new[]
        {
            $"link add wan1 type veth peer name wan netns {Exit.Machine.Name}", $"link add wan2 type veth peer name wan netns {Gateway.Name}", "link set wan1 up", "link set wan2 up",
            "address add 203.0.113.53/32 dev lo", $"address add {Site}/32 dev lo", $"address add {Site6}/128 dev lo nodad",
            "address add 192.0.2.1/30 dev wan1", "address add 192.0.2.5/30 dev wan2", "address add 2001:db8:e::1/64 dev wan1 nodad", "address add 2001:db8:f::1/64 dev wan2 nodad",
            "route add 198.51.100.0/24 via 192.0.2.6", "route add 2001:db8:51::/64 via 2001:db8:f::2",
        })
        {
            await Internet.IpAsync(command, cancel);
        }

        await LineAsync(Exit.Machine, "192.0.2", 2, "2001:db8:e");
        await LineAsync(Gateway, "192.0.2", 6, "2001:db8:f");
        await Gateway.RunAsync(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"], cancel: cancel);
        await Client.Machine.IpAsync($"route add default via {Gateway.Address}", cancel);
        await Client.Machine.IpAsync($"route add default via {Gateway.Address6}", cancel);
        // As many distributions have it.
        await Client.Machine.RunAsync(["sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1"], cancel: cancel);
        WhoAmI site = new(Internet);
        _undo.Push(site.DisposeAsync);
        Dictionary<string, string> names = new() { [Name] = Site, [Coordinator] = Hub.Machine.Address };
        OutsideNames outside = new(Internet, names);
        _undo.Push(outside.DisposeAsync);
        LanNames = new OutsideNames(Gateway, names);
        _undo.Push(LanNames.DisposeAsync);
        OwnResolvConf exitResolver = new(Exit.Machine, "nameserver 203.0.113.53\n");
        ClientResolver = new OwnResolvConf(Client.Machine, $"nameserver {Gateway.Address}\n");
        _undo.Push(() =>
        {
            exitResolver.Dispose();
            ClientResolver.Dispose();
            return ValueTask.CompletedTask;
        });

        async Task<Peer> AddAsync(string name)
        {
            Peer peer = await Peer.AddAsync(Underlay, name, token, cancel);
            _undo.Push(peer.DisposeAsync);
            return peer;
        }

        async Task LineAsync(NetworkNamespace machine, string net, int host, string net6)
        {
            await machine.IpAsync("link set wan up", cancel);
            await machine.IpAsync($"address add {net}.{host}/30 dev wan", cancel);
            await machine.IpAsync($"address add {net6}::2/64 dev wan nodad", cancel);
            await machine.IpAsync($"route add default via {net}.{host - 1}", cancel);
            await machine.IpAsync($"route add default via {net6}::1", cancel);
        }
    }
}
