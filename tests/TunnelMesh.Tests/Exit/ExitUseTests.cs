using System.Net;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.Exit;

/// <summary>The user's side of an exit over time, on played tables of routes and a program that writes down what it is given.</summary>
public sealed class ExitUseTests : IDisposable
{
    private static readonly ExitUse Wanted = new("tun-mesh0", IPAddress.Parse("10.42.0.2"), IPAddress.Parse("fd12:3456:789a::2"), 0x746D, LanAccess: false, KillSwitch: false, IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48"));
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-exit-");
    private readonly List<string> _calls = [];
    private readonly PlayedRouteTables _tables = new();
    private string? _failOn;
    private string[] _programs = ["nft"];
    private bool _listed;

    public void Dispose() => _folder.Delete(recursive: true);

    private ExitSetup Setup(string context = "default")
    {
        string journal = Path.Combine(_folder.FullName, "contexts", context, "exit.json");
        Directory.CreateDirectory(Path.GetDirectoryName(journal)!);
        return new(journal, new PacketRules(name => _programs.Contains(name) ? "/sbin/" + name : null, Run, _folder.FullName), new KernelSettings(_folder.FullName), () => [], new ExitRoutes(() => _tables));
    }

    // Of one table, which is there from when it was added until it is removed.
    private string Run(string path, IEnumerable<string> arguments, string input)
    {
        string call = $"{Path.GetFileName(path)} {string.Join(' ', arguments)} {input}";
        _calls.Add(call);
        if (_failOn is { } word && call.Contains(word, StringComparison.Ordinal))
        {
            throw new SystemDnsException("refused");
        }

        _listed = input.Contains("chain output", StringComparison.Ordinal) || call.Contains("-I OUTPUT", StringComparison.Ordinal)
            || (_listed && !input.EndsWith("delete table inet tunnelmesh_tun_mesh0\n", StringComparison.Ordinal) && !call.Contains("-D OUTPUT", StringComparison.Ordinal));
        return call.Contains("list table", StringComparison.Ordinal) ? _listed ? "table" : throw new SystemDnsException("No such file") : path.EndsWith("-save", StringComparison.Ordinal) && _listed ? "-A OUTPUT -j TM-tun-mesh0-OUTP" : "";
    }

    private bool Leads => _tables.Rules.SetEquals([(false, 5100u, 29805u, 0x746Du), (true, 5100u, 29805u, 0x746Du)]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_change_of_the_way_that_fails_once_is_made_by_the_next_check(bool leads)
    {
        using ExitSetup setup = Setup();
        setup.Use(Wanted, !leads);
        Assert.Equal(!leads, Leads);
        _tables.Refusals = 1;
        Assert.Contains("errno 1", Assert.Throws<ExitException>(() => setup.Lead(leads)).Message, StringComparison.Ordinal);
        Assert.Equal(!leads, Leads);
        setup.Check();
        Assert.Equal(leads, Leads);
        Assert.Equal(leads, _tables.Rules.Count > 0);
        Assert.Null(setup.Revert());
        Assert.Empty(_tables.Rules);
        Assert.Empty(_tables.Routes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Table_and_rule_that_somebody_has_are_refused_whatever_their_mark_and_left_alone(bool rule)
    {
        if (rule)
        {
            _tables.Rules.Add((true, 5100, 254, 7));
        }
        else
        {
            _tables.Routes.Add((29805, IPNetwork.Parse("::/1"), 3));
        }

        using ExitSetup setup = Setup();
        Assert.Contains("One at a time can", Assert.Throws<ExitException>(() => setup.Use(Wanted, leads: true)).Message, StringComparison.Ordinal);
        Assert.Equal(1, _tables.Rules.Count + _tables.Routes.Count);
        Assert.Empty(_calls);
    }

    [Fact]
    public void A_second_context_with_another_mark_is_refused_and_the_first_keeps_its_routes()
    {
        using ExitSetup first = Setup(), second = Setup("work");
        first.Use(Wanted, leads: true);
        int routes = _tables.Routes.Count;
        Assert.Throws<ExitException>(() => second.Use(Wanted with { Interface = "tun-mesh1", Mark = 7 }, leads: true));
        Assert.Null(second.Revert());
        Assert.True(Leads);
        Assert.Equal(routes, _tables.Routes.Count);
        Assert.Null(first.Revert());
        second.Use(Wanted with { Interface = "tun-mesh1", Mark = 7 }, leads: true);
        Assert.Equal(2, _tables.Rules.Count);
    }

    [Fact]
    public void A_kill_switch_of_its_own_is_no_licence_to_take_the_routes_of_another_that_lives()
    {
        using (ExitSetup boot = Setup("work"))
        {
            boot.Close(Wanted with { KillSwitch = true });
        }

        using ExitSetup first = Setup(), second = Setup("work");
        first.Use(Wanted, leads: true);
        Assert.NotNull(second.Recover(keepBlock: true));
        Assert.Throws<ExitException>(() => second.Use(Wanted with { KillSwitch = true }, leads: true));
        Assert.True(Leads);
        Assert.True(second.IsClosed());
    }

    [Fact]
    public void Rules_that_could_not_be_added_are_tried_again_and_what_was_said_of_them_is_taken_back()
    {
        _failOn = "dport";
        using ExitSetup setup = Setup();
        setup.Use(Wanted, leads: true);
        Assert.Contains("may ask for names past the exit peer: refused", setup.Weakness, StringComparison.Ordinal);
        // Still not, which is told already.
        Assert.False(setup.CheckRules());
        Assert.NotNull(setup.Weakness);
        _failOn = null;
        // They were not there before, so nobody has taken them away.
        Assert.False(setup.CheckRules());
        Assert.Null(setup.Weakness);
        Assert.True(_listed);
        _listed = false;
        Assert.True(setup.CheckRules());
        Assert.Null(setup.Revert());
        Assert.False(_listed);
    }

    [Fact]
    public void Name_servers_that_could_not_be_opened_are_opened_by_the_checks()
    {
        _programs = ["iptables", "ip6tables", "iptables-save", "ip6tables-save"];
        using ExitSetup setup = Setup();
        setup.Use(Wanted, leads: true);
        Assert.True(_listed);
        _failOn = "-D OUTPUT";
        setup.Lead(leads: false);
        Assert.True(_tables.Rules.Count == 0);
        Assert.Contains("stay closed although traffic goes out directly", Assert.Throws<ExitException>(() => setup.CheckRules()).Message, StringComparison.Ordinal);
        _failOn = null;
        Assert.False(setup.CheckRules());
        Assert.False(_listed);
        _calls.Clear();
        Assert.False(setup.CheckRules());
        Assert.Empty(_calls);
    }

    [Fact]
    public void Name_servers_are_closed_for_a_minute_at_a_time_and_no_longer_than_traffic_is_led()
    {
        using ExitSetup setup = Setup();
        setup.Use(Wanted, leads: true);
        Assert.Contains("elements = { 53 timeout 60s, 853 timeout 60s }", _calls[0], StringComparison.Ordinal);
        _calls.Clear();
        setup.Renew();
        Assert.Equal(["nft -f - flush set inet tunnelmesh_tun_mesh0 closed\nadd element inet tunnelmesh_tun_mesh0 closed { 53 timeout 60s, 853 timeout 60s }\n"], _calls);
        // Somebody has taken them away.
        _failOn = "flush set";
        setup.Renew();
        setup.Lead(leads: false);
        _calls.Clear();
        setup.Renew();
        Assert.Empty(_calls);
    }

    [Fact]
    public void A_kill_switch_knows_no_end_of_its_own()
    {
        using ExitSetup setup = Setup();
        setup.Use(Wanted with { KillSwitch = true }, leads: true);
        Assert.DoesNotContain("timeout", _calls[0], StringComparison.Ordinal);
        _calls.Clear();
        setup.Renew();
        Assert.Empty(_calls);
    }

    [Fact]
    public void Iptables_closes_name_servers_for_as_long_as_the_kernel_has_a_fresh_entry_of_each_family()
    {
        _programs = ["iptables", "ip6tables", "iptables-save", "ip6tables-save"];
        using ExitSetup setup = Setup();
        setup.Use(Wanted, leads: true);
        Assert.Null(setup.Weakness);
        string[] added = [.. _calls.Where(c => c.Contains(" -A TM-tun-mesh0-OUTP ", StringComparison.Ordinal))];
        Assert.Equal(["iptables -w 5 -t filter -A TM-tun-mesh0-OUTP -m recent ! --rcheck --seconds 60 --name TM-tun-mesh0-4 --mask 0.0.0.0 --rsource -j RETURN ",
            "ip6tables -w 5 -t filter -A TM-tun-mesh0-OUTP -m recent ! --rcheck --seconds 60 --name TM-tun-mesh0-6 --mask :: --rsource -j RETURN "], added.Where(c => c.Contains("recent", StringComparison.Ordinal)));
        Assert.Equal(16, added.Length);
        string[] lists = [Path.Combine(_folder.FullName, "TM-tun-mesh0-4"), Path.Combine(_folder.FullName, "TM-tun-mesh0-6")];
        Assert.Equal(["+0.0.0.0\n", "+::\n"], lists.Select(File.ReadAllText));
        Array.ForEach(lists, File.Delete);
        setup.Renew();
        Assert.Equal(["+0.0.0.0\n", "+::\n"], lists.Select(File.ReadAllText));
        Assert.False(setup.CheckRules());
    }

    [Fact]
    public void Where_the_kernel_has_no_such_entries_iptables_closes_name_servers_until_they_are_opened()
    {
        (_programs, _failOn) = (["iptables", "ip6tables"], "recent");
        using ExitSetup setup = Setup();
        setup.Use(Wanted, leads: true);
        Assert.Null(setup.Weakness);
        int last = _calls.FindLastIndex(c => c.Contains("-F TM-tun-mesh0-OUTP", StringComparison.Ordinal));
        Assert.Equal(8, _calls.Skip(last).Count(c => c.Contains("-j REJECT", StringComparison.Ordinal)));
        Assert.DoesNotContain(_calls.Skip(last), c => c.Contains("recent", StringComparison.Ordinal));
    }

    [Fact]
    public void Whether_name_servers_can_be_closed_is_for_the_kernel_to_say_not_for_a_program_to_be_there()
    {
        PacketRules rules = new(name => _programs.Contains(name) ? "/sbin/" + name : null, Run, _folder.FullName);
        Assert.True(rules.CanCloseNames("tun-mesh0", 7));
        // All of it in one transaction that takes it away again, in a table of nobody's.
        string trial = Assert.Single(_calls);
        Assert.DoesNotContain("tunnelmesh_tun_mesh0", trial, StringComparison.Ordinal);
        Assert.Contains("flags timeout", trial, StringComparison.Ordinal);
        Assert.Contains("meta mark 7 accept", trial, StringComparison.Ordinal);
        Assert.EndsWith("}\ndelete table inet tunnelmesh.tun_mesh0\n", trial, StringComparison.Ordinal);
        _failOn = "flags timeout";
        Assert.False(rules.CanCloseNames("tun-mesh0", 7));
        (_programs, _failOn) = ([], null);
        Assert.False(rules.CanCloseNames("tun-mesh0", 7));
    }

    [Theory]
    [InlineData("nothing", true, true)]
    [InlineData("nothing", false, false)]
    [InlineData("-m recent", true, false)]
    [InlineData("ip6tables -w 5 -t filter -A", true, false)]
    public void Of_iptables_they_can_be_closed_where_every_rule_is_taken_and_the_kernel_has_the_lists(string failOn, bool lists, bool can)
    {
        _programs = ["iptables", "ip6tables", "iptables-save", "ip6tables-save"];
        foreach (string list in lists ? ["TM-tun-mesh0-4", "TM-tun-mesh0-6"] : Array.Empty<string>())
        {
            File.WriteAllText(Path.Combine(_folder.FullName, list), "");
        }

        _failOn = failOn;
        PacketRules rules = new(name => _programs.Contains(name) ? "/sbin/" + name : null, Run, _folder.FullName);
        Assert.Equal(can, rules.CanCloseNames("tun-mesh0", 7));
        // No packet comes to it, and none of it stays.
        Assert.DoesNotContain(_calls, c => c.Contains(" -I ", StringComparison.Ordinal) || c.Contains("-OUTP", StringComparison.Ordinal));
        Assert.Equal(["iptables -w 5 -t filter -F TM-tun-mesh0-TRY ", "iptables -w 5 -t filter -X TM-tun-mesh0-TRY ", "ip6tables -w 5 -t filter -F TM-tun-mesh0-TRY ", "ip6tables -w 5 -t filter -X TM-tun-mesh0-TRY "], _calls.TakeLast(4));
        _programs = ["iptables", "iptables-save"];
        Assert.False(rules.CanCloseNames("tun-mesh0", 7));
    }

    [Fact]
    public void Two_interfaces_never_share_a_table_nor_are_chains_of_one_taken_for_those_of_another()
    {
        Assert.Equal("tunnelmesh_tun_mesh0", NftRules.Table("tun-mesh0"));
        string[] names = ["tun-a", "tun_a", "tun.a", "tuna"];
        Assert.Equal(names.Length, names.Select(NftRules.Table).Distinct().Count());
        Assert.All(new[] { ":TM-a-FORW - [0:0]", "-A FORWARD -j TM-a-FORW", "-A TM-a-POST -o lo -j RETURN" }, line => Assert.True(IptablesRules.IsOurs(line, "a")));
        Assert.All(new[] { ":TM-a-b-FORW - [0:0]", "-A FORWARD -j TM-a-b-FORW", "-A TM-a-FORW-POST -o lo -j RETURN", "-A INPUT -j TMG-a" }, line => Assert.False(IptablesRules.IsOurs(line, "a")));
    }
}
