using System.Net;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.Exit;

/// <summary>The set-up of an exit in a directory of its own, with a program that writes down what it is given.</summary>
public sealed class ExitSetupTests : IDisposable
{
    private static readonly ExitServing Serving = new("tun-mesh0", IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48"));
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-exit-");
    private readonly List<string> _calls = [];
    private string? _failOn;
    private string[] _programs = ["nft"];

    public ExitSetupTests()
    {
        Setting("net/ipv4/ip_forward", "0");
        Setting("net/ipv6/conf/all/forwarding", "0");
        Setting("net/ipv6/conf/eth0/accept_ra", "1");
        Setting("net/ipv6/conf/lo/accept_ra", "0");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Journal => Path.Combine(_folder.FullName, "exit.json");

    private string Read(string setting) => File.ReadAllText(Path.Combine(_folder.FullName, setting)).Trim();

    private void Setting(string path, string value)
    {
        string file = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, value + "\n");
    }

    private ExitSetup Setup() => new(Journal, new PacketRules(name => _programs.Contains(name) ? "/sbin/" + name : null, Run), new KernelSettings(_folder.FullName));

    private void Run(string path, IEnumerable<string> arguments, string input)
    {
        string call = $"{path} {string.Join(' ', arguments)} {input}";
        _calls.Add(call);
        if (_failOn is { } word && call.Contains(word, StringComparison.Ordinal))
        {
            throw new SystemDnsException("broken");
        }
    }

    [Fact]
    public void An_exit_passes_packets_on_keeps_its_own_way_out_and_puts_everything_back()
    {
        using ExitSetup setup = Setup();
        setup.Serve(Serving);
        Assert.Equal(["1", "1", "2", "0"], new[] { "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/eth0/accept_ra", "net/ipv6/conf/lo/accept_ra" }.Select(Read));
        Assert.Contains("masquerade", Assert.Single(_calls), StringComparison.Ordinal);
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
        Assert.Contains("it was undone", next.Recover(keepBlock: true), StringComparison.Ordinal);
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
        setup.CheckRules();
        Assert.Equal("/sbin/nft list table inet tunnelmesh_tun_mesh0 ", _calls[^1]);
        _failOn = "list table";
        setup.CheckRules();
        Assert.Contains("masquerade", _calls[^1], StringComparison.Ordinal);
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
        Assert.Contains("/sbin/iptables -w 5 -t nat -A TM-tun-mesh0-POST ! -o tun-mesh0 -s 10.42.0.0/16 -j MASQUERADE ", _calls);
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
        Assert.Contains("is damaged and was kept as", setup.Recover(keepBlock: false), StringComparison.Ordinal);
        Assert.True(File.Exists(Journal + ".damaged"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kill_switch_lets_the_mesh_out_and_the_private_networks_only_where_that_is_wanted(bool lan)
    {
        ExitUse use = new("tun-mesh0", IPAddress.Parse("10.42.0.2"), null, 0x746D, lan, KillSwitch: true);
        string nft = NftRules.KillSwitch(use);
        Assert.Contains("meta mark 29805 accept", nft, StringComparison.Ordinal);
        Assert.Contains("counter reject with icmpx admin-prohibited", nft, StringComparison.Ordinal);
        Assert.Equal(lan, nft.Contains("192.168.0.0/16", StringComparison.Ordinal));
        Assert.Equal(lan, IptablesRules.KillSwitch(use).Any(c => c.Arguments.Contains("192.168.0.0/16")));
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
}
