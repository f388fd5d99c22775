using System.Net;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.SystemDns;

/// <summary>The set-up in a directory of its own. Programs are stand-ins that write down how they were called: their order and words are tested, not what the real ones make of them.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SystemDnsSetupTests : IDisposable
{
    private const string Before = "search example.com\nnameserver 192.0.2.1\n";
    private static readonly SystemDnsRequest Request = new("tun-mesh0", IPAddress.Parse("10.42.0.2"), IPAddress.Parse("127.0.0.53"), ["tunnelmesh", "mesh", "tm"], "default");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-dns-");
    private readonly SystemDnsPlaces _places;

    public SystemDnsSetupTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "bin"));
        _places = new SystemDnsPlaces
        {
            ResolvConf = InFolder("resolv.conf"),
            Resolved = InFolder("resolve"),
            Resolvers = InFolder("resolver"),
            Programs = [InFolder("bin")],
            Journal = InFolder("dns.json"),
        };
        File.WriteAllText(_places.ResolvConf, Before);
    }

    private string Calls => File.Exists(InFolder("calls")) ? File.ReadAllText(InFolder("calls")) : "";

    public void Dispose() => _folder.Delete(recursive: true);

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    private SystemDnsSetup Setup(IReadOnlyList<ISystemDns>? ways = null, string? obstacle = null) => new(_places, ways ?? SystemDnsSetup.Linux(_places), () => obstacle);

    private void StandIn(string program, string failOn = "nothing")
    {
        string path = Path.Combine(InFolder("bin"), program);
        File.WriteAllText(path, $"#!/bin/sh\necho \"{program} $*\" >>'{InFolder("calls")}'\ncase \"$*\" in -a*) sed 's/^/< /' >>'{InFolder("calls")}';; esac\ncase \"$*\" in *{failOn}*) echo broken >&2; exit 3;; esac\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public void The_file_is_replaced_after_the_journal_was_written_and_put_back_exactly()
    {
        File.SetUnixFileMode(_places.ResolvConf, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        File.SetLastWriteTimeUtc(_places.ResolvConf, new DateTime(2020, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        using SystemDnsSetup setup = Setup();
        Assert.Null(setup.Apply(Request));
        Assert.Equal("resolv.conf", setup.Way);
        Assert.Equal(["127.0.0.53", "192.0.2.1"], ResolvConf.Servers(File.ReadAllText(_places.ResolvConf)).Select(s => s.ToString()));
        Assert.Equal(["192.0.2.1"], setup.Servers(_ => false).Select(s => s.ToString()));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_places.Journal));
        Assert.Null(setup.Check());
        Assert.Null(setup.Revert());
        Assert.Equal(Before, File.ReadAllText(_places.ResolvConf));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead, File.GetUnixFileMode(_places.ResolvConf));
        Assert.Equal(new DateTime(2020, 2, 3, 4, 5, 6, DateTimeKind.Utc), File.GetLastWriteTimeUtc(_places.ResolvConf));
        Assert.Equal(["bin", "resolv.conf"], Directory.GetFileSystemEntries(_folder.FullName).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("link")]
    [InlineData("file")]
    [InlineData("missing")]
    public void The_next_start_undoes_what_a_process_left_behind(string kind)
    {
        if (kind == "link")
        {
            File.Move(_places.ResolvConf, InFolder("real"));
            File.CreateSymbolicLink(_places.ResolvConf, "real");
        }
        else if (kind == "missing")
        {
            File.Delete(_places.ResolvConf);
        }
        using SystemDnsSetup dead = Setup();
        Assert.Null(dead.Apply(Request));
        Assert.Null(new FileInfo(_places.ResolvConf).LinkTarget);
        Assert.Equal(kind == "missing" ? [] : ["192.0.2.1"], dead.Servers(_ => false).Select(s => s.ToString()));

        dead.Dispose();
        Assert.Contains("was undone", Setup().Recover()?.Text, StringComparison.Ordinal);
        Assert.Equal(kind == "link" ? "real" : null, new FileInfo(_places.ResolvConf).LinkTarget);
        Assert.Equal(kind != "missing", File.Exists(_places.ResolvConf));
        Assert.Equal(kind == "missing" ? "" : Before, kind == "missing" ? "" : File.ReadAllText(_places.ResolvConf));
        Assert.False(File.Exists(_places.Journal));
        Assert.Null(Setup().Recover());
    }

    [Fact]
    public void A_process_that_died_between_journal_and_change_leaves_nothing_to_undo()
    {
        using (SystemDnsJournal journal = new(_places.Journal))
        {
            journal.Write(new PlainResolvConf(_places).Plan(Request));
        }
        Assert.Contains("was undone", Setup().Recover()?.Text, StringComparison.Ordinal);
        Assert.Equal(Before, File.ReadAllText(_places.ResolvConf));
    }

    [Fact]
    public void What_somebody_else_wrote_meanwhile_is_theirs()
    {
        using SystemDnsSetup setup = Setup();
        Assert.Null(setup.Apply(Request));
        File.WriteAllText(_places.ResolvConf, "nameserver 192.0.2.77\n");
        Assert.Null(setup.Check());
        Assert.Equal(["127.0.0.53", "192.0.2.77"], ResolvConf.Servers(File.ReadAllText(_places.ResolvConf)).Select(s => s.ToString()));
        Assert.Equal(["192.0.2.77"], setup.Servers(_ => false).Select(s => s.ToString()));
        File.WriteAllText(_places.ResolvConf, "nameserver 192.0.2.78\n");
        Assert.Null(setup.Revert());
        Assert.Equal("nameserver 192.0.2.78\n", File.ReadAllText(_places.ResolvConf));
    }

    [Fact]
    public void Of_two_peers_the_first_keeps_the_system_and_a_dead_one_is_cleaned_up_after()
    {
        using SystemDnsSetup first = Setup();
        Assert.Null(first.Apply(Request));
        string ours = File.ReadAllText(_places.ResolvConf);
        SystemDnsPlaces elsewhere = _places with { Journal = InFolder("other.json") };
        using SystemDnsSetup second = new(elsewhere, SystemDnsSetup.Linux(elsewhere), () => null);
        Assert.Contains("another peer", second.Apply(Request), StringComparison.Ordinal);
        Assert.Equal(ours, File.ReadAllText(_places.ResolvConf));

        first.Dispose();
        Assert.Null(second.Apply(Request));
        Assert.False(File.Exists(_places.Journal));
        Assert.Equal(["192.0.2.1"], second.Servers(_ => false).Select(s => s.ToString()));

        second.Dispose();
        File.Delete(elsewhere.Journal);
        using SystemDnsSetup third = Setup();
        Assert.Null(third.Apply(Request));
        Assert.Null(third.Revert());
        Assert.Equal("nameserver 192.0.2.1\nsearch example.com\n", File.ReadAllText(_places.ResolvConf));
    }

    [Fact]
    public void A_damaged_journal_is_kept_aside_and_told()
    {
        File.WriteAllText(_places.Journal, "{\"backend\":\"resolv.conf\",\"interface\":\"x\",\"files\":[null]}");
        Assert.Contains("is damaged", Setup().Recover()?.Text, StringComparison.Ordinal);
        Assert.True(File.Exists(_places.Journal + ".damaged"));
        Assert.Equal(Before, File.ReadAllText(_places.ResolvConf));
    }

    [Fact]
    public void Where_the_file_is_shared_nothing_is_touched()
    {
        using SystemDnsSetup setup = Setup(obstacle: "shared");
        Assert.Equal("shared", setup.Apply(Request));
        Assert.Equal((null, Before), (setup.Way, File.ReadAllText(_places.ResolvConf)));
        Assert.False(File.Exists(_places.Journal));
    }

    [Fact]
    public void Systemd_resolved_is_told_of_the_domains_before_it_hears_of_the_server()
    {
        StandIn("resolvectl", "dnsovertls");
        Directory.CreateDirectory(_places.Resolved);
        File.Delete(_places.ResolvConf);
        File.CreateSymbolicLink(_places.ResolvConf, "../run/systemd/resolve/stub-resolv.conf");
        File.WriteAllText(Path.Combine(_places.Resolved, "resolv.conf"), "nameserver 192.0.2.5\nnameserver 10.42.0.2\n");
        using SystemDnsSetup setup = Setup();
        Assert.Null(setup.Apply(Request));
        Assert.Equal("systemd-resolved", setup.Way);
        Assert.Equal(
            """
            resolvectl default-route tun-mesh0 false
            resolvectl domain tun-mesh0 ~tunnelmesh ~mesh ~tm
            resolvectl dns tun-mesh0 10.42.0.2
            resolvectl dnssec tun-mesh0 no
            resolvectl dnsovertls tun-mesh0 no
            resolvectl llmnr tun-mesh0 no
            resolvectl mdns tun-mesh0 no

            """, Calls);
        Assert.Equal(["192.0.2.5"], setup.Servers(a => a.ToString() == "10.42.0.2").Select(s => s.ToString()));
        File.Delete(InFolder("calls"));
        setup.Dispose();
        Assert.Contains("was undone", Setup().Recover()?.Text, StringComparison.Ordinal);
        Assert.Equal("resolvectl revert tun-mesh0\n", Calls);
    }

    [Fact]
    public void A_way_that_fails_is_undone_and_the_next_one_is_taken()
    {
        StandIn("resolvectl", "domain");
        Directory.CreateDirectory(_places.Resolved);
        File.WriteAllText(_places.ResolvConf, "nameserver 127.0.0.53\n");
        using SystemDnsSetup setup = Setup();
        Assert.Null(setup.Apply(Request));
        Assert.Equal("resolv.conf", setup.Way);
        Assert.Contains("resolvectl revert tun-mesh0\n", Calls, StringComparison.Ordinal);
        Assert.Null(setup.Revert());
        Assert.Equal("nameserver 127.0.0.53\n", File.ReadAllText(_places.ResolvConf));
    }

    [Fact]
    public void Where_something_else_keeps_servers_from_being_asked_they_stay_for_when_the_peer_is_killed()
    {
        using SystemDnsSetup setup = Setup();
        Assert.Null(setup.Apply(Request with { All = true, Reserve = true }));
        Assert.Equal("resolv.conf", setup.Way);
        Assert.Equal(["127.0.0.53", "192.0.2.1"], ResolvConf.Servers(File.ReadAllText(_places.ResolvConf)).Select(s => s.ToString()));
        Assert.Null(setup.Revert());
        Assert.Equal(Before, File.ReadAllText(_places.ResolvConf));
    }

    [Fact]
    public void NetworkManager_is_asked_where_it_writes_the_file_itself()
    {
        StandIn("nmcli");
        Assert.False(new NetworkManagerDns(_places).IsPresent());
        File.WriteAllText(_places.ResolvConf, "# Generated by NetworkManager\nnameserver 192.0.2.1\n");
        using SystemDnsSetup setup = Setup();
        Assert.Null(setup.Apply(Request with { Addresses = [new TunAddress(IPAddress.Parse("10.42.0.2"), 16), new TunAddress(IPAddress.Parse("fd00::2"), 64), new TunAddress(IPAddress.Parse("fe80::2"), 64)] }));
        Assert.Equal("networkmanager", setup.Way);
        Assert.Null(setup.Revert());
        // Its interface does not exist here, so there is nothing to take back from it.
        Assert.Equal("nmcli device modify tun-mesh0 ipv6.method manual ipv6.addresses fd00::2/64 ipv4.method manual ipv4.addresses 10.42.0.2/16 ipv4.dns 10.42.0.2 ipv4.dns-priority 10 ipv4.dns-search ~tunnelmesh,~mesh,~tm\n", Calls);
    }

    [Fact]
    public void On_macOS_each_domain_has_a_file_and_an_older_one_comes_back()
    {
        Directory.CreateDirectory(_places.Resolvers);
        File.WriteAllText(Path.Combine(_places.Resolvers, "mesh"), "nameserver 192.0.2.3\n");
        List<string> stored = [];
        MacOSResolvers macOS = new(_places, (program, arguments, input) => stored.Add($"{program} {string.Join(' ', arguments)} {input}"));
        SystemDnsEntry entry = macOS.Plan(Request);
        macOS.Apply(Request, entry);
        Assert.Equal(["mesh", "tm", "tunnelmesh"], Directory.GetFiles(_places.Resolvers).Select(Path.GetFileName).Order());
        Assert.EndsWith("nameserver 10.42.0.2\nport 53\n", File.ReadAllText(Path.Combine(_places.Resolvers, "tm")), StringComparison.Ordinal);
        Assert.True(macOS.IsIntact(Request, entry, closely: true));
        macOS.Revert(entry);
        Assert.Equal("nameserver 192.0.2.3\n", File.ReadAllText(Assert.Single(Directory.GetFiles(_places.Resolvers))));
        Assert.Empty(stored);
    }

    [Fact]
    public void On_macOS_all_other_names_go_to_the_resolver_by_a_service_of_the_store()
    {
        List<string> stored = [];
        MacOSResolvers macOS = new(_places, (program, arguments, input) => stored.Add($"{program} {string.Join(' ', arguments)}|{input}"));
        SystemDnsRequest all = Request with { All = true, Tag = "home/../evil" };
        SystemDnsEntry entry = macOS.Plan(all);
        macOS.Apply(all, entry);
        Assert.True(macOS.IsIntact(Request, entry, closely: true));
        macOS.Revert(entry);
        Assert.Equal(
            [
                "/usr/sbin/scutil |d.init\nd.add ServerAddresses * 10.42.0.2\nd.add SupplementalMatchDomains * \"\"\nd.add SupplementalMatchDomainsNoSearch # 1\nset State:/Network/Service/tunnelmesh-homeevil/DNS\nquit\n",
                "/usr/sbin/scutil |remove State:/Network/Service/tunnelmesh-homeevil/DNS\nquit\n",
            ], stored);
        Assert.Empty(Directory.GetFiles(_places.Resolvers));
    }

    [Fact]
    public void On_Windows_rules_carry_a_remark_and_only_those_are_removed()
    {
        List<string> scripts = [];
        WindowsNrpt windows = new(_places, (program, arguments) => scripts.Add($"{program} {string.Join(' ', arguments)}"));
        SystemDnsEntry entry = windows.Plan(Request with { Tag = "work'; evil" });
        windows.Apply(Request, entry);
        windows.Revert(entry);
        const string head = "powershell.exe -NoProfile -NonInteractive -Command $ErrorActionPreference='Stop'; Get-DnsClientNrptRule | Where-Object Comment -eq 'TunnelMesh workevil' | Remove-DnsClientNrptRule -Force; ";
        Assert.Equal(
            [
                head + "Add-DnsClientNrptRule -Namespace '.tunnelmesh','.mesh','.tm' -NameServers '10.42.0.2' -Comment 'TunnelMesh workevil'; Clear-DnsClientCache",
                head + "Clear-DnsClientCache",
            ], scripts);
    }
}
