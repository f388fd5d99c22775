using System.Net;
using System.Text.RegularExpressions;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Tests.Tun;

namespace TunnelMesh.Tests.Exit;

/// <summary>The set-up of macOS over a played system: what it asks pf, the kernel's settings and the routing socket, in order, and what it leaves behind.</summary>
public sealed partial class MacOSExitSetupTests : IDisposable
{
    private const string Load = "pfctl -a com.apple/100.tunnelmesh-home -f -";
    private static readonly IPNetwork Range4 = IPNetwork.Parse("10.42.0.0/16"), Range6 = IPNetwork.Parse("fd12:3456:789a::/48");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-exit-");
    private readonly FakeMacOSNetwork _network = new();
    private readonly List<LocalRoute> _routes = [new(IPNetwork.Parse("0.0.0.0/0"), "en0"), new(IPNetwork.Parse("192.168.1.0/24"), "en0")];
    private readonly Dictionary<string, int> _settings = new() { ["net.inet.ip.forwarding"] = 0, ["net.inet6.ip6.forwarding"] = 1 };
    private string _main = "scrub-anchor \"com.apple/*\" all fragment reassemble\nanchor \"com.apple/*\" all\n", _nat = "nat-anchor \"com.apple/*\" all\n", _rules = "";
    private bool _enabled;
    private string? _failOn;
    private int _token = 100;
    private ExitWays _ways = Ways("192.168.1.5");

    public MacOSExitSetupTests()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Journal)!);
        _network.Answer = Answer;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Journal => Path.Combine(_folder.FullName, "home", "exit.json");

    private List<string> Asked => _network.Asked;

    [Fact]
    public void A_user_leads_everything_into_the_tunnel_closes_private_networks_and_puts_everything_back()
    {
        using MacOSExitSetup setup = Setup();
        setup.Use(Use(), leads: true);
        Assert.Equal([Load, "pfctl -E", "route 0.0.0.0 into 7", "route 128.0.0.0 into 7", "route :: into 7", "route 8000:: into 7"], Changes());
        Assert.Equal(PfRules.NoLan(Use(), 29805), _rules);
        setup.Check();
        setup.CheckRules();
        Assert.Empty(Changes());
        Assert.Null(setup.Revert());
        Assert.Equal(["no route 0.0.0.0 into 7", "no route 128.0.0.0 into 7", "no route :: into 7", "no route 8000:: into 7", Load, "pfctl -X 101"], Changes());
        Assert.Equal("", _rules);
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void With_the_LAN_and_no_kill_switch_there_are_routes_alone()
    {
        using MacOSExitSetup setup = Setup();
        setup.Use(Use() with { LanAccess = true }, leads: true);
        Assert.All(Changes(), c => Assert.StartsWith("route ", c, StringComparison.Ordinal));
        Assert.Null(setup.Revert());
        Assert.DoesNotContain(Changes(), c => c.StartsWith("pfctl", StringComparison.Ordinal));
    }

    [Fact]
    public void A_family_that_the_interface_does_not_have_leads_nowhere()
    {
        using MacOSExitSetup setup = Setup();
        setup.Use(Use() with { LanAccess = true, Source6 = null }, leads: true);
        Assert.Equal(["route 0.0.0.0 into 7", "route 128.0.0.0 into 7", "route :: nowhere", "route 8000:: nowhere"], Changes());
        Assert.Null(setup.Revert());
        Assert.Equal(["no route 0.0.0.0 into 7", "no route 128.0.0.0 into 7", "no route :: nowhere", "no route 8000:: nowhere"], Changes());
    }

    [Fact]
    public void Traffic_that_goes_past_for_a_while_finds_neither_routes_nor_rules()
    {
        using MacOSExitSetup setup = Setup();
        setup.Use(Use(), leads: false);
        Assert.Equal("", _rules);
        Changes();
        setup.Lead(leads: true);
        Assert.Equal([Load, "pfctl -E", "route 0.0.0.0 into 7", "route 128.0.0.0 into 7", "route :: into 7", "route 8000:: into 7"], Changes());
        setup.Lead(leads: false);
        Assert.Equal("", _rules);
        Assert.DoesNotContain(_routes, r => r.InterfaceName == "utun7");
        setup.CheckRules();
        Assert.Equal("", _rules);
    }

    [Fact]
    public void A_route_that_somebody_took_away_comes_back()
    {
        using MacOSExitSetup setup = Setup();
        setup.Use(Use(), leads: true);
        _routes.RemoveAll(r => r.Prefix.Equals(IPNetwork.Parse("128.0.0.0/1")));
        Changes();
        setup.Check();
        Assert.Equal(["route 128.0.0.0 into 7"], Changes());
    }

    [Fact]
    public void A_kill_switch_is_in_force_before_the_routes_and_ends_what_states_allow()
    {
        using MacOSExitSetup setup = Setup();
        setup.Use(Use() with { KillSwitch = true }, leads: true);
        Assert.Equal([Load, "pfctl -E", "pfctl -F states", "route 0.0.0.0 into 7", "route 128.0.0.0 into 7", "route :: into 7", "route 8000:: into 7"], Changes());
        Assert.Equal(PfRules.KillSwitch(Use(), 29805), _rules);
    }

    [Fact]
    public void A_kill_switch_outlives_the_process_and_is_taken_over_under_another_interface_without_a_gap()
    {
        MacOSExitSetup killed = Setup();
        killed.Use(Use() with { KillSwitch = true }, leads: true);
        killed.Dispose();
        _routes.RemoveAll(r => r.InterfaceName == "utun7");
        using MacOSExitSetup next = Setup();
        Assert.Contains("still holds", next.Recover(keepBlock: true)?.Text, StringComparison.Ordinal);
        Changes();
        next.Use(Use() with { Interface = "utun8", KillSwitch = true }, leads: true);
        Assert.Equal([Load, "pfctl -F states", "route 0.0.0.0 into 8", "route 128.0.0.0 into 8", "route :: into 8", "route 8000:: into 8"], Changes());
        Assert.Contains("pass out on utun8 all", _rules, StringComparison.Ordinal);
        Assert.Null(next.Revert());
        Assert.Contains("pfctl -X 101", Changes());
    }

    [Fact]
    public void A_start_without_the_kill_switch_takes_it_away()
    {
        MacOSExitSetup killed = Setup();
        killed.Use(Use() with { KillSwitch = true }, leads: true);
        killed.Dispose();
        _routes.RemoveAll(r => r.InterfaceName == "utun7");
        using MacOSExitSetup next = Setup();
        Assert.Contains("it was undone", next.Recover(keepBlock: false)?.Text, StringComparison.Ordinal);
        Assert.Equal("", _rules);
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void After_a_restart_of_the_machine_it_is_said_that_nothing_is_closed()
    {
        MacOSExitSetup killed = Setup();
        killed.Use(Use() with { KillSwitch = true }, leads: true);
        killed.Dispose();
        (_rules, _enabled) = ("", false);
        using MacOSExitSetup next = Setup();
        Assert.Contains("nothing is closed", next.Recover(keepBlock: true)?.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kill_switch_that_cannot_be_taken_over_stays()
    {
        MacOSExitSetup killed = Setup();
        killed.Use(Use() with { KillSwitch = true }, leads: true);
        killed.Dispose();
        string before = _rules;
        using MacOSExitSetup next = Setup();
        next.Recover(keepBlock: true);
        _failOn = "-f -";
        Assert.Throws<ExitException>(() => next.Use(Use() with { KillSwitch = true }, leads: true));
        Assert.Equal((before, true), (_rules, next.IsClosed()));
        next.Dispose();
        Assert.True(File.Exists(Journal));
        _failOn = null;
        using MacOSExitSetup command = Setup();
        Assert.True(command.Recover(keepBlock: false)?.IsUndone);
        Assert.Equal("", _rules);
        Assert.Null(command.Recover(keepBlock: false));
    }

    [Fact]
    public void The_way_is_closed_before_there_is_a_peer_and_taken_over_by_it()
    {
        using (MacOSExitSetup command = Setup())
        {
            command.Close(Use() with { Interface = "tun-mesh0", KillSwitch = true });
            Assert.Equal([Load, "pfctl -E", "pfctl -F states"], Changes());
        }

        using MacOSExitSetup peer = Setup();
        Assert.Contains("still holds", peer.Recover(keepBlock: true)?.Text, StringComparison.Ordinal);
        Assert.True(peer.IsClosed());
        peer.Use(Use() with { KillSwitch = true }, leads: true);
        Assert.DoesNotContain("pfctl -E", Changes());
        Assert.Null(peer.Revert());
        Assert.False(peer.IsClosed());
        Assert.Contains("pfctl -X 101", Changes());
    }

    [Fact]
    public void A_way_that_cannot_be_closed_leaves_nothing_behind()
    {
        _failOn = "-E";
        using MacOSExitSetup command = Setup();
        Assert.Throws<ExitException>(() => command.Close(Use() with { KillSwitch = true }));
        Assert.Equal("", _rules);
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void What_a_peer_left_that_was_not_taken_over_is_undone_when_the_end_is_asked_for()
    {
        MacOSExitSetup killed = Setup();
        killed.Use(Use() with { KillSwitch = true }, leads: true);
        killed.Dispose();
        using MacOSExitSetup next = Setup();
        next.Recover(keepBlock: true);
        Assert.Null(next.Revert());
        Assert.Equal("", _rules);
    }

    [Fact]
    public void Forwarding_that_another_program_turned_off_is_told()
    {
        using MacOSExitSetup setup = Setup();
        setup.Serve(Serving);
        setup.CheckForwarding();
        _settings["net.inet.ip.forwarding"] = 0;
        Assert.Contains("sudo sysctl -w net.inet.ip.forwarding=1", Assert.Throws<ExitException>(setup.CheckForwarding).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-E")]
    [InlineData("route 8000:: into")]
    public void What_the_system_refuses_leaves_nothing_behind(string failing)
    {
        _failOn = failing;
        using MacOSExitSetup setup = Setup();
        Assert.Throws<ExitException>(() => setup.Use(Use(), leads: true));
        Assert.Equal("", _rules);
        Assert.DoesNotContain(_routes, r => r.InterfaceName == "utun7");
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void Another_VPN_is_named_and_left_alone()
    {
        _routes.Add(new LocalRoute(IPNetwork.Parse("0.0.0.0/1"), "utun3"));
        using MacOSExitSetup setup = Setup();
        Assert.Contains("utun3", Assert.Throws<ExitException>(() => setup.Use(Use(), leads: true)).Message, StringComparison.Ordinal);
        Assert.Contains(_routes, r => r.InterfaceName == "utun3");
        Assert.Equal("", _rules);
    }

    [Fact]
    public void What_a_killed_peer_left_is_undone_without_the_routes_of_who_has_its_interfaces_name_now()
    {
        MacOSExitSetup killed = Setup();
        killed.Use(Use() with { LanAccess = true, Source6 = null }, leads: true);
        killed.Dispose();
        // Those into the interface went with it.
        _routes.RemoveAll(r => r.InterfaceName == "utun7");
        _routes.AddRange([new LocalRoute(IPNetwork.Parse("0.0.0.0/1"), "utun7"), new LocalRoute(IPNetwork.Parse("8000::/1"), "utun7")]);
        Changes();
        using MacOSExitSetup next = Setup();
        Assert.Contains("it was undone", next.Recover(keepBlock: false)?.Text, StringComparison.Ordinal);
        Assert.Equal(["no route :: nowhere"], Changes());
    }

    [Fact]
    public void Rules_that_nobody_would_ask_are_not_relied_on()
    {
        _main = "block all\n";
        using MacOSExitSetup setup = Setup();
        Assert.Contains("/etc/pf.conf", Assert.Throws<ExitException>(() => setup.Use(Use(), leads: true)).Message, StringComparison.Ordinal);
        (_main, _nat) = ("anchor \"com.apple/*\" all\n", "");
        Assert.Contains("`nat-anchor \"com.apple/*\"`", Assert.Throws<ExitException>(() => setup.Serve(Serving)).Message, StringComparison.Ordinal);
        Assert.Empty(Changes());
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void Rules_that_somebody_has_taken_away_are_added_again_and_pf_turned_on()
    {
        using MacOSExitSetup setup = Setup();
        setup.Use(Use() with { KillSwitch = true }, leads: true);
        (_rules, _enabled) = ("", false);
        Changes();
        Assert.True(setup.CheckRules());
        Assert.Equal([Load, "pfctl -E"], Changes());
        Assert.False(setup.CheckRules());
        Assert.Null(setup.Revert());
        Assert.Contains("pfctl -X 102", Changes());
    }

    [Fact]
    public void An_exit_has_its_rules_before_it_passes_packets_on_and_gives_back_what_it_changed()
    {
        using MacOSExitSetup setup = Setup();
        setup.Serve(Serving);
        Assert.Equal([Load, "pfctl -E", "net.inet.ip.forwarding=1"], Changes());
        Assert.Equal(PfRules.Serving(Serving, Ways("192.168.1.5")), _rules);
        Assert.Null(setup.Revert());
        Assert.Equal(["net.inet.ip.forwarding=0", Load, "pfctl -X 101"], Changes());
        Assert.Equal(("", 1), (_rules, _settings["net.inet6.ip6.forwarding"]));
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void An_exit_names_its_new_address_in_another_network()
    {
        using MacOSExitSetup setup = Setup();
        setup.Serve(Serving);
        Changes();
        setup.CheckRules();
        Assert.Empty(Changes());
        _ways = Ways("172.20.10.2");
        setup.CheckRules();
        Assert.Equal([Load], Changes());
        Assert.Contains("nat on en0 inet from 10.42.0.0/16 to any -> 172.20.10.2\n", _rules, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_killed_exit_left_behind_is_undone_and_a_setting_of_somebody_else_stays()
    {
        MacOSExitSetup killed = Setup();
        killed.Serve(Serving);
        killed.Dispose();
        _settings["net.inet.ip.forwarding"] = 0;
        Changes();
        using MacOSExitSetup next = Setup();
        Assert.Contains("it was undone", next.Recover(keepBlock: true)?.Text, StringComparison.Ordinal);
        Assert.Equal([Load, "pfctl -X 101"], Changes());
    }

    [Fact]
    public void A_token_of_before_a_restart_does_not_keep_the_journal()
    {
        MacOSExitSetup killed = Setup();
        killed.Serve(Serving);
        killed.Dispose();
        _failOn = "-X";
        using MacOSExitSetup next = Setup();
        Assert.Contains("it was undone", next.Recover(keepBlock: false)?.Text, StringComparison.Ordinal);
        Assert.False(File.Exists(Journal));
    }

    private static ExitServing Serving => new("utun7", Range4, Range6, IPAddress.Parse("10.42.0.2"), IPAddress.Parse("fd12:3456:789a::2"));

    private static ExitUse Use() => new("utun7", IPAddress.Parse("10.42.0.2"), IPAddress.Parse("fd12:3456:789a::2"), 0, LanAccess: false, KillSwitch: false, Range4, Range6);

    private static ExitWays Ways(string address) => new(new ExitWays.Way("en0", IPAddress.Parse(address)), null, [IPAddress.Parse(address)]);

    private MacOSExitSetup Setup() => new(Journal, new PfProgram(RunPf, ReadPf), new ForwardingSettings(n => _settings.TryGetValue(n, out int value) ? value : null, Write),
        new MacOSHalfRoutes(_network, () => [.. _routes], name => ushort.Parse(name[4..], System.Globalization.CultureInfo.InvariantCulture)), _ => _ways, null);

    // What was asked since the last time, questions left out.
    private string[] Changes()
    {
        string[] changes = [.. Asked.Where(a => !a.Contains(" -s ", StringComparison.Ordinal))];
        Asked.Clear();
        return changes;
    }

    private int Write(string name, int value)
    {
        Asked.Add($"{name}={value}");
        _settings[name] = value;
        return 0;
    }

    private void RunPf(string path, IEnumerable<string> arguments, string input)
    {
        string words = string.Join(' ', arguments);
        Asked.Add($"pfctl {words}");
        Assert.Equal("/sbin/pfctl", path);
        if (_failOn is { } failing && words.Contains(failing, StringComparison.Ordinal))
        {
            throw new SystemDnsException("broken");
        }

        _rules = words.EndsWith("-f -", StringComparison.Ordinal) ? input : _rules;
    }

    private string ReadPf(IReadOnlyList<string> arguments)
    {
        string words = string.Join(' ', arguments);
        Asked.Add($"pfctl {words}");
        if (_failOn is { } failing && words.Contains(failing, StringComparison.Ordinal))
        {
            throw new IOException("broken");
        }

        _enabled |= words == "-E";
        return "No ALTQ support in kernel\nALTQ related functions disabled\n" + words switch
        {
            "-E" => $"pf enabled\nToken : {++_token}\n",
            "-s info" => $"Status: {(_enabled ? "Enabled" : "Disabled")} for 0 days 00:00:07           Debug: Urgent\n",
            "-s rules" => _main,
            "-s nat" => _nat,
            "-a com.apple/100.tunnelmesh-home -s rules" => _rules,
            _ => "",
        };
    }

    private int Answer(string line)
    {
        if (_failOn is { } failing && line.Contains(failing, StringComparison.Ordinal))
        {
            return 55;
        }

        if (RouteLine().Match(line) is { Success: true } match)
        {
            LocalRoute route = new(new IPNetwork(IPAddress.Parse(match.Groups["to"].Value), 1), "utun" + match.Groups["index"].Value);
            if (match.Groups["no"].Success)
            {
                _routes.RemoveAll(r => r.Prefix.Equals(route.Prefix) && r.InterfaceName == route.InterfaceName);
            }
            else
            {
                _routes.Add(route);
            }
        }

        return 0;
    }

    [GeneratedRegex("^(?<no>no )?route (?<to>[0-9a-f.:]+) into (?<index>[0-9]+)$")]
    private static partial Regex RouteLine();
}
