using System.Net;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.Exit;

/// <summary>The set-up of an exit in a directory of its own, with a program that writes down what it is given.</summary>
public sealed class ExitSetupTests : IDisposable
{
    private static readonly ExitServing Serving = new("tun-mesh0", IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48"));
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-exit-");
    private readonly List<string> _calls = [];
    private string? _failOn;
    private string[] _programs = ["nft"], _forwarders = [];
    private string _listed = "as added";
    private readonly PlayedRouteTables _tables = new();

    public ExitSetupTests()
    {
        Setting("net/ipv4/ip_forward", "0");
        Setting("net/ipv6/conf/all/forwarding", "0");
        Setting("net/ipv6/conf/eth0/accept_ra", "1");
        Setting("net/ipv6/conf/lo/accept_ra", "0");
        Setting("net/ipv4/conf/all/rp_filter", "1");
        Directory.CreateDirectory(Path.GetDirectoryName(Journal)!);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Journal => JournalOf("default");

    private string JournalOf(string context) => Path.Combine(_folder.FullName, "contexts", context, "exit.json");

    // A device without IPv6 in the mesh.
    private static ExitUse Use(bool lan) => new("tun-mesh0", IPAddress.Parse("10.42.0.2"), null, 0x746D, lan, KillSwitch: true, Serving.Range4, Serving.Range6);

    private string Read(string setting) => File.ReadAllText(Path.Combine(_folder.FullName, setting)).Trim();

    private void Setting(string path, string value)
    {
        string file = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, value + "\n");
    }

    private ExitSetup Setup(string context = "default")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(JournalOf(context))!);
        return new(JournalOf(context), new PacketRules(name => _programs.Contains(name) ? "/sbin/" + name : null, Run, _folder.FullName), new KernelSettings(_folder.FullName), () => _forwarders,
            new ExitRoutes(() => _tables));
    }

    private string Run(string path, IEnumerable<string> arguments, string input)
    {
        string call = $"{path} {string.Join(' ', arguments)} {input}";
        _calls.Add(call);
        if (_failOn is { } word && call.Contains(word, StringComparison.Ordinal))
        {
            throw new SystemDnsException("broken");
        }

        return call.Contains("list table", StringComparison.Ordinal) || call.Contains("-save", StringComparison.Ordinal) ? _listed : "";
    }

    // What was done, without the looks.
    private IEnumerable<string> Done => _calls.Where(c => !c.Contains("list table", StringComparison.Ordinal));

    [Fact]
    public void An_exit_passes_packets_on_keeps_its_own_way_out_and_puts_everything_back()
    {
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        Assert.Equal(["1", "1", "2", "0"], new[] { "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra", "net/ipv6/conf/lo/accept_ra" }.Select(Read));
        Assert.Contains("masquerade", Assert.Single(Done), StringComparison.Ordinal);
        Assert.True(File.Exists(Journal));
        // Somebody else wants it so meanwhile, and keeps it.
        Setting("net/ipv6/conf/eth0/accept_ra", "0");
        Assert.Null(setup.Revert());
        Assert.Equal(["0", "0", "0"], new[] { "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra" }.Select(Read));
        Assert.Equal("/sbin/nft -f - table inet tunnelmesh_tun_mesh0\ndelete table inet tunnelmesh_tun_mesh0\n", _calls[^1]);
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void The_next_start_undoes_what_a_process_left_behind()
    {
        ExitSetup killed = Setup();
        killed.Serve(Serving);
        killed.Dispose();
        using ExitSetup next = Setup();
        Assert.Contains("it was undone", next.Recover(keepBlock: true)?.Text, StringComparison.Ordinal);
        Assert.Equal("0", Read("net/ipv4/ip_forward"));
        Assert.Equal("1", Read("net/ipv6/conf/eth0/accept_ra"));
        Assert.StartsWith("/sbin/nft -f - table inet tunnelmesh_tun_mesh0\ndelete", _calls[^1], StringComparison.Ordinal);
        Assert.False(File.Exists(Journal));
        Assert.Null(next.Recover(keepBlock: false));
    }

    [Fact]
    public void Rules_that_somebody_has_taken_away_are_added_again()
    {
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        Assert.False(setup.CheckRules());
        Assert.Equal("/sbin/nft -s list table inet tunnelmesh_tun_mesh0 ", _calls[^1]);
        // The whole table, or a chain of it.
        _failOn = "list table";
        Assert.True(setup.CheckRules());
        Assert.Contains("masquerade", Done.Last(), StringComparison.Ordinal);
        (_failOn, _listed) = (null, "whole");
        Assert.False(setup.CheckRules());
        Assert.Equal(2, Done.Count());
        _listed = "emptied";
        Assert.True(setup.CheckRules());
        Assert.Equal(3, Done.Count());
        Assert.Null(setup.Revert());
    }

    [Fact]
    public void What_forwards_already_stays_so()
    {
        Setting("net/ipv4/ip_forward", "1");
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        Assert.Null(setup.Revert());
        Assert.Equal("1", Read("net/ipv4/ip_forward"));
    }

    [Fact]
    public void Rules_that_the_kernel_refuses_leave_nothing_behind()
    {
        _failOn = "masquerade";
        using ExitSetup setup = Setup();
        Assert.Equal("broken", Assert.Throws<ExitException>(() => setup.Serve(Serving)).Message);
        Assert.Equal("0", Read("net/ipv4/ip_forward"));
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void Without_either_program_it_is_said_what_to_install()
    {
        _programs = [];
        using ExitSetup setup = Setup();
        Assert.Contains("apt install nftables", Assert.Throws<ExitException>(() => setup.Serve(Serving)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void Iptables_serves_where_nft_is_missing()
    {
        _programs = ["iptables", "ip6tables"];
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        int masquerade = _calls.IndexOf("/sbin/iptables -w 5 -t nat -A TM-tun-mesh0-POST ! -o tun-mesh0 -s 10.42.0.0/16 -j MASQUERADE ");
        Assert.InRange(_calls.IndexOf("/sbin/iptables -w 5 -t nat -A TM-tun-mesh0-POST -o lo -j RETURN "), 0, masquerade);
        Assert.Contains("/sbin/ip6tables -w 5 -t nat -A TM-tun-mesh0-POST ! -o tun-mesh0 -s fd12:3456:789a::/48 -j MASQUERADE ", _calls);
        Assert.Contains("/sbin/iptables -w 5 -t filter -A TM-tun-mesh0-INPU -j DROP ", _calls);
        _calls.Clear();
        Assert.Null(setup.Revert());
        Assert.Contains("/sbin/iptables -w 5 -t nat -D POSTROUTING -j TM-tun-mesh0-POST ", _calls);
        Assert.DoesNotContain(_calls, c => c.Contains(" -A ", StringComparison.Ordinal));
    }

    [Fact]
    public void Chains_have_names_that_the_kernel_takes() =>
        Assert.All(IptablesRules.Remove("a-long-name-1234"[..15]), c => Assert.All(c.Arguments, a => Assert.True(a.Length <= 28, a)));

    [Fact]
    public void A_damaged_journal_is_kept_aside_and_told()
    {
        File.WriteAllText(Journal, "{\"interface\":\"tun\"");
        using ExitSetup setup = Setup();
        Assert.Contains("is damaged and was kept as", setup.Recover(keepBlock: false)?.Text, StringComparison.Ordinal);
        Assert.True(File.Exists(Journal + ".damaged"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kill_switch_lets_the_mesh_out_and_the_private_networks_only_where_that_is_wanted(bool lan)
    {
        ExitUse use = Use(lan);
        string nft = NftRules.KillSwitch(use);
        Assert.Contains("meta mark 29805 accept", nft, StringComparison.Ordinal);
        Assert.Contains("counter reject with icmpx admin-prohibited", nft, StringComparison.Ordinal);
        Assert.Equal(lan, nft.Contains("192.168.0.0/16", StringComparison.Ordinal));
        Assert.Equal(lan, IptablesRules.KillSwitch(use).Any(c => c.Arguments.Contains("192.168.0.0/16")));
    }

    [Theory]
    [InlineData("output", "OUTP")]
    [InlineData("forward", "FORW")]
    public void What_is_for_the_mesh_leaves_by_its_interface_only_also_with_the_LAN(string hook, string chain)
    {
        ExitUse use = Use(lan: true);
        string nft = NftRules.KillSwitch(use).Split("chain " + hook)[1].Split('}')[0..^1].Aggregate((a, b) => a + b).Split("chain ")[0];
        Assert.All(new[] { "ip daddr 10.42.0.0/16 counter drop", "ip6 daddr fd12:3456:789a::/48 counter drop" }, rule =>
            Assert.InRange(nft.IndexOf(rule, StringComparison.Ordinal), 0, nft.IndexOf("ip daddr { 10.0.0.0/8", StringComparison.Ordinal)));
        foreach ((bool v6, string range, string wide) in new[] { (false, "10.42.0.0/16", "10.0.0.0/8"), (true, "fd12:3456:789a::/48", "fc00::/7") })
        {
            string[] rules = [.. IptablesRules.KillSwitch(use).Where(c => c.V6 == v6).Select(c => string.Join(' ', c.Arguments)).Where(c => c.Contains($"-A TM-tun-mesh0-{chain} ", StringComparison.Ordinal))];
            Assert.InRange(Array.FindIndex(rules, r => r.EndsWith($"-d {range} -j DROP", StringComparison.Ordinal)), 0, Array.FindIndex(rules, r => r.Contains(wide, StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void No_network_of_the_machine_has_the_meshs_packets()
    {
        LocalRoute[] routes = [.. "10.0.0.0/8 10.42.7.0/24 10.42.0.0/16 192.168.1.0/24 203.0.113.0/24 fd12:3456:789a:1::/64 fd00::/8".Split(' ').Select(p => new LocalRoute(IPNetwork.Parse(p), "eth0")),
            new LocalRoute(IPNetwork.Parse("10.42.0.0/16"), "tun-mesh0"), new LocalRoute(IPNetwork.Parse("172.16.0.0/12"), "eth0", ViaGateway: true)];
        Assert.Equal(["10.42.0.0/16 tun-mesh0", "fd12:3456:789a::/48", "10.0.0.0/8 eth0", "192.168.1.0/24 eth0", "fd00::/8 eth0"], ExitRoutes.Local(Use(lan: true), () => routes));
        Assert.Empty(ExitRoutes.Local(Use(lan: false), () => routes));
    }

    [Fact]
    public void Routes_that_cannot_be_listed_are_a_failure_that_is_told() =>
        Assert.Equal("no routes", Assert.Throws<ExitException>(() => ExitRoutes.Local(Use(lan: true), () => throw new IOException("no routes"))).Message);

    [Fact]
    public void Members_reach_neither_what_an_exit_publishes_nor_private_networks_through_it()
    {
        string nft = NftRules.Serving(Serving);
        int accept = nft.IndexOf("ip saddr 10.42.0.0/16 counter accept", StringComparison.Ordinal);
        Assert.All(new[] { "ct status dnat", "ip daddr { 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 }", "ip6 daddr { fc00::/7, fe80::/10 }" }, match =>
            Assert.InRange(nft.IndexOf($"iifname \"tun-mesh0\" {match} counter drop", StringComparison.Ordinal), 0, accept));
        foreach ((bool v6, string inside) in new[] { (false, "192.168.0.0/16"), (true, "fc00::/7") })
        {
            string[] rules = [.. IptablesRules.Serving(Serving).Where(c => c.V6 == v6).Select(c => string.Join(' ', c.Arguments))];
            int accepted = Array.FindIndex(rules, r => r.EndsWith("-j ACCEPT", StringComparison.Ordinal));
            Assert.All(new[] { "-i tun-mesh0 -m conntrack --ctstate DNAT -j DROP", $"-i tun-mesh0 -d {inside} -j DROP" }, rule =>
                Assert.InRange(Array.IndexOf(rules, "-w 5 -t filter -A TM-tun-mesh0-FORW " + rule), 0, accepted));
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public void What_the_kernel_changes_along_with_forwarding_is_put_back_after_it(string before)
    {
        Setting("net/ipv4/conf/all/accept_redirects", before);
        KernelSettings settings = new(_folder.FullName);
        Assert.Equal([new SavedSetting("net/ipv4/conf/all/accept_redirects", before, "0"), new SavedSetting("net/ipv4/ip_forward", "0", "1")],
            settings.ForServing([]).Where(s => s.Path.Contains("ipv4", StringComparison.Ordinal)));
        // One file under two names stands for a setting that changes another.
        Setting("one", "1");
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "other"), "one");
        Assert.Null(settings.Undo([new SavedSetting("one", before, "1"), new SavedSetting("other", "7", "1")]));
        Assert.Equal(before, Read("one"));
    }

    [Theory]
    [InlineData("192.168.1.0/24", true)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("fd00::/64", true)]
    [InlineData("192.0.0.0/8", false)]
    [InlineData("0.0.0.0/1", false)]
    [InlineData("203.0.113.0/24", false)]
    [InlineData("2001:db8::/64", false)]
    public void Only_what_is_wholly_private_may_stay_reachable(string network, bool isPrivate) => Assert.Equal(isPrivate, PrivateNetworks.Contain(IPNetwork.Parse(network)));

    [Fact]
    public void Of_iptables_every_chain_of_ours_and_what_enters_it_is_looked_at()
    {
        _programs = ["iptables", "iptables-save"];
        _listed = ":TM-tun-mesh0-FORW - [0:0]\n-A FORWARD -j TM-tun-mesh0-FORW\n-A DOCKER -j RETURN\n";
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        _listed += "-A DOCKER -i docker0 -j RETURN\n";
        Assert.False(setup.CheckRules());
        _listed = ":TM-tun-mesh0-FORW - [0:0]\n";
        Assert.True(setup.CheckRules());
    }

    [Fact]
    public void Forwarding_goes_off_with_the_last_context_that_needs_it_whoever_began()
    {
        using ExitSetup first = Setup(), second = Setup("work");
        first.Serve(Serving);
        second.Serve(Serving with { Interface = "tun-mesh1" });
        Assert.Null(first.Revert());
        Assert.Contains("another context", first.Forwarding, StringComparison.Ordinal);
        Assert.Equal(["1", "1", "2"], new[] { "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra" }.Select(Read));
        Assert.Null(second.Revert());
        Assert.Null(second.Forwarding);
        Assert.Equal(["0", "0", "1"], new[] { "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra" }.Select(Read));
    }

    [Fact]
    public void Forwarding_stays_on_for_a_network_of_containers_that_came_meanwhile_and_not_for_one_that_did_without()
    {
        _forwarders = ["virbr0"];
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        _forwarders = ["docker0", "virbr0"];
        Assert.Null(setup.Revert());
        Assert.Equal("docker0", setup.Forwarding);
        Assert.Equal("1", Read("net/ipv4/ip_forward"));
        Setting("net/ipv4/ip_forward", "0");
        setup.Serve(Serving);
        Assert.Null(setup.Revert());
        Assert.Equal("0", Read("net/ipv4/ip_forward"));
    }

    [Fact]
    public void Somebody_who_turns_forwarding_off_is_noticed_and_not_argued_with()
    {
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        setup.CheckForwarding();
        Setting("net/ipv4/ip_forward", "0");
        Assert.Contains("sysctl -w net.ipv4.ip_forward=1", Assert.Throws<ExitException>(setup.CheckForwarding).Message, StringComparison.Ordinal);
        Assert.Equal("0", Read("net/ipv4/ip_forward"));
        Assert.Null(setup.Revert());
    }

    [Fact]
    public void A_setting_that_may_not_be_changed_is_told_as_such()
    {
        // A folder stands for a file that cannot be written.
        File.Delete(Path.Combine(_folder.FullName, "net/ipv4/ip_forward"));
        using ExitSetup setup = Setup();
        KernelSettings settings = new(_folder.FullName);
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "net/ipv4/ip_forward"));
        Assert.True(Assert.Throws<ExitException>(() => settings.Apply([new SavedSetting("net/ipv4/ip_forward", "0", "1")])).OfSetting);
    }

    [Fact]
    public void A_closed_way_is_taken_over_or_opened_by_hand()
    {
        using (ExitSetup boot = Setup())
        {
            boot.Close(Use(lan: false));
            Assert.Contains("admin-prohibited", Assert.Single(Done), StringComparison.Ordinal);
            // Once more, as after a crash and a restart.
            boot.Close(Use(lan: false));
        }

        Assert.True(ExitSetup.IsLeftClosed(Journal));
        using (ExitSetup peer = Setup())
        {
            Assert.Contains("in force already", peer.Recover(keepBlock: true)?.Text, StringComparison.Ordinal);
            Assert.True(peer.IsClosed());
            _failOn = "list table";
            Assert.Contains("nothing is closed", peer.Recover(keepBlock: true)?.Text, StringComparison.Ordinal);
            Assert.False(peer.IsClosed());
            _failOn = null;
        }

        Assert.True(File.Exists(Journal));
        using ExitSetup hand = Setup();
        Assert.True(hand.Recover(keepBlock: false)?.IsUndone);
        Assert.StartsWith("/sbin/nft -f - table inet tunnelmesh_tun_mesh0\ndelete", _calls[^1], StringComparison.Ordinal);
        Assert.Null(hand.Recover(keepBlock: false));
        Assert.False(ExitSetup.IsLeftClosed(Journal));
    }

    [Fact]
    public void What_cannot_be_opened_stays_written_down()
    {
        using (ExitSetup boot = Setup())
        {
            boot.Close(Use(lan: false));
        }

        _failOn = "delete table";
        using ExitSetup hand = Setup();
        Recovery? stays = hand.Recover(keepBlock: false);
        Assert.False(stays?.IsUndone);
        Assert.EndsWith("cannot be undone: broken", stays?.Text, StringComparison.Ordinal);
        Assert.True(File.Exists(Journal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_the_kill_switch_only_name_servers_are_closed_and_on_the_LAN_in_either_case(bool lasting)
    {
        ExitUse use = Use(lan: true);
        string names = NftRules.Names(use), all = NftRules.KillSwitch(use);
        Assert.DoesNotContain("chain forward", names, StringComparison.Ordinal);
        foreach (string protocol in new[] { "udp", "tcp" })
        {
            string rule = protocol + " dport { 53, 853 } counter reject";
            Assert.InRange(names.IndexOf(protocol + " dport @closed counter reject", StringComparison.Ordinal), names.IndexOf("meta mark 29805 accept", StringComparison.Ordinal), names.Length);
            Assert.InRange(all.IndexOf(rule, StringComparison.Ordinal), all.IndexOf("meta mark 29805 accept", StringComparison.Ordinal), all.IndexOf("ip daddr { 10.0.0.0/8", StringComparison.Ordinal));
            Assert.Equal(4, IptablesRules.Names(use, lasting).Count(c => c.Arguments.Contains(protocol) && c.Arguments.Contains("REJECT")));
        }
    }

    [Fact]
    public void Programs_that_forward_are_known_by_their_interfaces()
    {
        foreach (string name in new[] { "eth0", "br-1234", "docker0", "brave0", "tun-mesh0", "virbr0" })
        {
            Directory.CreateDirectory(Path.Combine(_folder.FullName, "class", name));
        }

        Assert.Equal(["br-1234", "docker0", "virbr0"], Forwarders.List(Path.Combine(_folder.FullName, "class")));
        Assert.Empty(Forwarders.List(Path.Combine(_folder.FullName, "none")));
    }
}
