using System.Net;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Guard;
using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.Guard;

/// <summary>The rules for addresses of the mesh, with programs that write down what they are given.</summary>
public sealed class AddressGuardTests : IDisposable
{
    private static readonly GuardSpec Spec = new("tun-mesh0", [IPAddress.Parse("10.42.0.2"), IPAddress.Parse("fd12:3456:789a::a2a:2")], [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48")]);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-guard-");
    private readonly List<string> _calls = [];
    private string? _failOn;
    private string[] _programs = ["nft"];
    private bool _v6 = true;
    private string _listed = "as added";
    private string? _present;

    public void Dispose() => _folder.Delete(recursive: true);

    private string Journal => Path.Combine(_folder.FullName, "guard.json");

    private AddressGuard Guard() => new(Journal, new PacketRules(name => _programs.Contains(name) ? "/sbin/" + name : null, Run), () => _v6, name => name == _present);

    private string Run(string path, IEnumerable<string> arguments, string input)
    {
        string call = $"{path} {string.Join(' ', arguments)} {input}";
        _calls.Add(call);
        if (_failOn is { } word && call.Contains(word, StringComparison.Ordinal))
        {
            throw new SystemDnsException("Operation not permitted");
        }

        return call.Contains("list table", StringComparison.Ordinal) ? _listed : "";
    }

    // What was done, without the looks.
    private IEnumerable<string> Done => _calls.Where(c => !c.Contains("list table", StringComparison.Ordinal));

    [Fact]
    public void The_table_is_replaced_in_one_transaction_and_lets_the_mesh_s_interface_and_the_machine_itself_in_before_anything_is_dropped() => Assert.Equal(
        """
        table inet tunnelmesh-guard-tun-mesh0
        delete table inet tunnelmesh-guard-tun-mesh0
        table inet tunnelmesh-guard-tun-mesh0 {
          chain prerouting {
            type filter hook prerouting priority raw; policy accept;
            iifname { "lo", "tun-mesh0" } accept
            ip daddr 10.42.0.2 counter drop
            ip6 daddr fd12:3456:789a::a2a:2 counter drop
            ip saddr 10.42.0.0/16 counter drop
            ip6 saddr fd12:3456:789a::/48 counter drop
          }
        }

        """, GuardRules.Nft(Spec), ignoreLineEndingDifferences: true);

    [Fact]
    public void They_are_noted_added_looked_for_and_removed()
    {
        using AddressGuard guard = Guard();
        Assert.Null(guard.Apply(Spec));
        Assert.Equal("nft", guard.Backend);
        Assert.Equal($"/sbin/nft -f - {GuardRules.Nft(Spec)}", Assert.Single(Done));
        Assert.True(File.Exists(Journal));
        Assert.Null(guard.Check());
        Assert.False(guard.WereGone);
        Assert.Single(Done);
        Assert.Equal("/sbin/nft -s list table inet tunnelmesh-guard-tun-mesh0 ", _calls[^1]);
        Assert.Null(guard.Revert());
        Assert.Equal($"/sbin/nft -f - {GuardRules.NftRemove("tun-mesh0")}", _calls[^1]);
        Assert.False(File.Exists(Journal));
        int before = _calls.Count;
        Assert.Null(guard.Revert());
        Assert.Null(guard.Check());
        Assert.Equal(before, _calls.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rules_that_somebody_has_flushed_whole_or_in_part_are_put_back(bool whole)
    {
        using AddressGuard guard = Guard();
        Assert.Null(guard.Apply(Spec));
        (_failOn, _listed) = whole ? ("list table", "") : (null, "a chain without rules");
        Assert.Null(guard.Check());
        Assert.True(guard.WereGone);
        Assert.Equal([$"/sbin/nft -f - {GuardRules.Nft(Spec)}", $"/sbin/nft -f - {GuardRules.Nft(Spec)}"], Done);
        (_failOn, _listed) = (null, whole ? "as added" : "a chain without rules");
        // How it is listed is known from after it was added.
        Assert.Null(guard.Check());
        Assert.Null(guard.Check());
        Assert.False(guard.WereGone);
    }

    [Fact]
    public void What_stands_in_the_home_of_a_user_is_read_and_forgotten_with_the_rights_of_that_user_and_rules_are_removed_without()
    {
        AddressGuard killed = Guard();
        Assert.Null(killed.Apply(Spec));
        killed.Dispose();
        _calls.Clear();
        using AddressGuard next = Guard();
        Assert.True(next.Recover(() => new Acting(_calls))?.IsUndone);
        Assert.Equal(["as the user", "as root", $"/sbin/nft -f - {GuardRules.NftRemove("tun-mesh0")}", "as the user", "as root"], _calls);
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void What_a_user_wrote_does_not_have_root_remove_rules_of_others()
    {
        using AddressGuard guard = Guard();
        string root = Path.Combine(_folder.FullName, "root.json"), none = Path.Combine(_folder.FullName, "none.json"), broken = Path.Combine(_folder.FullName, "broken.json");
        File.WriteAllText(broken, "{");
        using SystemJournal<GuardEntry> others = new(root, GuardJson.Default.GuardEntry, _ => true, ("", ""));
        Recovery? Undo(string name)
        {
            File.WriteAllText(Journal, $$"""{"interface":"{{name}}","backend":"nft"}""");
            return guard.Recover(() => null, [none, broken, root]);
        }

        // That of an interface that is there, whosever it is.
        _present = "tun-mesh7";
        Recovery? told = Undo("tun-mesh7");
        Assert.False(told?.IsUndone);
        Assert.Contains($"{Journal} names stay, for they may be another peer's: there is an interface tun-mesh7.", told?.Text, StringComparison.Ordinal);

        // That of another's journal, while its peer lives and after it was killed.
        others.Write(new GuardEntry { Interface = "tun-mesh5", Backend = "nft" });
        for (int killed = 0; killed < 2; killed++)
        {
            told = Undo("tun-mesh5");
            Assert.False(told?.IsUndone);
            Assert.Contains($"{root} names tun-mesh5, too", told?.Text, StringComparison.Ordinal);
            others.Dispose();
        }

        Assert.Empty(_calls);
        Assert.True(File.Exists(Journal));
        Assert.True(Undo("tun-mesh6")?.IsUndone);
        Assert.Equal($"/sbin/nft -f - {GuardRules.NftRemove("tun-mesh6")}", Assert.Single(_calls));
        Assert.False(File.Exists(Journal));

        // A peer knows its own: an interface that is there is no obstacle, as its start has found out before.
        File.WriteAllText(Journal, """{"interface":"tun-mesh7","backend":"nft"}""");
        Assert.True(guard.Recover()?.IsUndone);
    }

    [Theory]
    [InlineData("tun-mesh0 --modprobe=/home/alice/x")]
    [InlineData("0123456789abcdef")]
    [InlineData("")]
    public void A_journal_that_names_no_interface_is_kept_aside_and_nothing_is_run(string name)
    {
        File.WriteAllText(Journal, $$"""{"interface":"{{name}}","backend":"iptables"}""");
        using AddressGuard guard = Guard();
        Recovery? told = guard.Recover();
        Assert.False(told?.IsUndone);
        Assert.Contains("is damaged and was kept as", told?.Text, StringComparison.Ordinal);
        Assert.Empty(_calls);
    }

    private sealed class Acting : IDisposable
    {
        private readonly List<string> _log;

        public Acting(List<string> log)
        {
            _log = log;
            log.Add("as the user");
        }

        public void Dispose() => _log.Add("as root");
    }

    [Fact]
    public void The_next_start_removes_what_a_killed_process_left_behind()
    {
        AddressGuard killed = Guard();
        Assert.Null(killed.Apply(Spec));
        killed.Dispose();
        using AddressGuard next = Guard();
        Assert.EndsWith("they were removed.", next.Recover()?.Text, StringComparison.Ordinal);
        Assert.Equal($"/sbin/nft -f - {GuardRules.NftRemove("tun-mesh0")}", _calls[^1]);
        Assert.Null(next.Recover());
    }

    [Fact]
    public void What_is_left_and_cannot_be_removed_is_told_each_time()
    {
        AddressGuard killed = Guard();
        Assert.Null(killed.Apply(Spec));
        killed.Dispose();
        _failOn = "delete table";
        using AddressGuard next = Guard();
        Assert.Contains("cannot be removed: Operation not permitted", next.Recover()?.Text, StringComparison.Ordinal);
        _failOn = null;
        Assert.NotNull(next.Recover());
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void Without_the_right_to_change_rules_it_is_said_and_tried_again()
    {
        _failOn = "prerouting";
        using AddressGuard guard = Guard();
        Assert.Contains("Operation not permitted", guard.Apply(Spec), StringComparison.Ordinal);
        Assert.Null(guard.Backend);
        Assert.False(File.Exists(Journal));
        Assert.Contains("CAP_NET_ADMIN", guard.Check(), StringComparison.Ordinal);
        _failOn = null;
        Assert.Null(guard.Check());
        Assert.Equal("nft", guard.Backend);
        Assert.Null(guard.Revert());
    }

    [Fact]
    public void Without_either_program_it_is_said_what_to_install_and_one_that_comes_is_taken()
    {
        _programs = [];
        using AddressGuard guard = Guard();
        Assert.Contains("apt install nftables", guard.Apply(Spec), StringComparison.Ordinal);
        Assert.Null(guard.Backend);
        Assert.False(File.Exists(Journal));
        _programs = ["nft"];
        Assert.Null(guard.Check());
        Assert.Equal("nft", guard.Backend);
    }

    [Fact]
    public void Iptables_serves_where_nft_is_missing()
    {
        _programs = ["iptables", "ip6tables"];
        using AddressGuard guard = Guard();
        Assert.Null(guard.Apply(Spec));
        Assert.Equal("iptables", guard.Backend);
        string[] added = [.. _calls.Where(c => !c.Contains(" -D ", StringComparison.Ordinal) && !c.Contains(" -F ", StringComparison.Ordinal) && !c.Contains(" -X ", StringComparison.Ordinal)).Select(c => c.Trim())];
        foreach ((string program, string own, string range) in new[] { ("iptables", "10.42.0.2", "10.42.0.0/16"), ("ip6tables", "fd12:3456:789a::a2a:2", "fd12:3456:789a::/48") })
        {
            // The chain is whole before it is entered.
            Assert.Equal(
                new[] { "-N TMG-tun-mesh0", "-A TMG-tun-mesh0 -i lo -j RETURN", "-A TMG-tun-mesh0 -i tun-mesh0 -j RETURN", $"-A TMG-tun-mesh0 -d {own} -j DROP", $"-A TMG-tun-mesh0 -s {range} -j DROP", "-I PREROUTING -j TMG-tun-mesh0" }
                    .Select(w => $"/sbin/{program} -w 5 -t raw {w}"),
                added.Where(c => c.StartsWith($"/sbin/{program} ", StringComparison.Ordinal)));
        }

        _calls.Clear();
        Assert.Null(guard.Check());
        Assert.Equal(["/sbin/iptables -w 5 -t raw -C PREROUTING -j TMG-tun-mesh0", "/sbin/ip6tables -w 5 -t raw -C PREROUTING -j TMG-tun-mesh0"], _calls.Select(c => c.Trim()));
        Assert.Null(guard.Revert());
        Assert.Contains("/sbin/ip6tables -w 5 -t raw -D PREROUTING -j TMG-tun-mesh0 ", _calls);
        Assert.False(File.Exists(Journal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_ip6tables_it_is_said_that_IPv6_is_not_guarded_unless_the_kernel_has_none(bool v6)
    {
        _programs = ["iptables"];
        _v6 = v6;
        using AddressGuard guard = Guard();
        Assert.Equal(v6, guard.Apply(Spec)?.StartsWith("IPv6 is not guarded, since ip6tables is missing", StringComparison.Ordinal) == true);
        Assert.Equal("iptables", guard.Backend);
        _calls.Clear();
        Assert.Equal(v6, guard.Check() is not null);
        // It is there, so it is not added once more.
        Assert.Single(_calls);
    }

    [Fact]
    public void Rules_that_are_half_added_go_again()
    {
        _programs = ["iptables", "ip6tables"];
        _failOn = "/sbin/ip6tables -w 5 -t raw -A";
        using AddressGuard guard = Guard();
        Assert.NotNull(guard.Apply(Spec));
        Assert.Contains("-X TMG-tun-mesh0", _calls[^1], StringComparison.Ordinal);
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void What_cannot_be_noted_is_not_added()
    {
        using AddressGuard guard = new(Path.Combine(_folder.FullName, "missing", "guard.json"), new PacketRules(name => "/sbin/" + name, Run), () => true, _ => false);
        Assert.Contains("could not be written down, so it was not added", guard.Apply(Spec), StringComparison.Ordinal);
        Assert.Null(guard.Backend);
        Assert.Empty(_calls);
    }

    [Theory]
    [InlineData("tun-mesh0", "tunnelmesh-guard-tun-mesh0")]
    [InlineData("tun_mesh0", "tunnelmesh-guard-tun_5fmesh0")]
    [InlineData("a{b", "tunnelmesh-guard-a_7bb")]
    public void Every_interface_has_a_table_of_its_own(string tun, string table) => Assert.Equal(table, GuardRules.NftTable(tun));
}
