using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class SystemdUnitTests
{
    internal static readonly ServiceDefinition Plain = new()
    {
        Name = "tunnelmesh-work",
        Context = "work",
        Program = "/usr/local/bin/tunnelmesh",
        Arguments = ["join", "hub.example:8443", "--context", "work"],
        Environment = [new("HOME", "/root")],
        EnvironmentFile = "/etc/tunnelmesh/env-work.conf",
        OnlyWhenExists = "/root/.tunnelmesh/contexts/work/mesh.json",
        Writable = ["/root/.tunnelmesh"],
    };

    private static string[] Values(string unit, string key) => [.. unit.Split('\n').Where(l => l.StartsWith(key + "=", StringComparison.Ordinal)).Select(l => l[(key.Length + 1)..])];

    [Fact]
    public void It_runs_the_peer_under_a_watchdog_with_two_capabilities_and_its_secrets_in_a_file()
    {
        string unit = SystemdUnit.Write(Plain);
        Assert.True(SystemdUnit.IsOurs(unit));
        Assert.Equal(["notify"], Values(unit, "Type"));
        Assert.Equal(["30"], Values(unit, "WatchdogSec"));
        Assert.Equal(["/usr/local/bin/tunnelmesh join hub.example:8443 --context work"], Values(unit, "ExecStart"));
        Assert.Equal(["HOME=/root"], Values(unit, "Environment"));
        Assert.Equal(["-/etc/tunnelmesh/env-work.conf"], Values(unit, "EnvironmentFile"));
        Assert.Equal(["/root/.tunnelmesh/contexts/work/mesh.json"], Values(unit, "ConditionPathExists"));
        Assert.Equal(["/usr/local/bin/tunnelmesh"], Values(unit, "ConditionFileIsExecutable"));
        Assert.Empty(Values(unit, "ExecStartPre"));
        Assert.Equal(["CAP_NET_ADMIN CAP_NET_BIND_SERVICE"], Values(unit, "CapabilityBoundingSet"));
        Assert.Equal(["-/root/.tunnelmesh"], Values(unit, "BindPaths"));
        Assert.Equal(["yes"], Values(unit, "MemoryDenyWriteExecute"));
        Assert.Empty(Values(unit, "SupplementaryGroups"));
        Assert.DoesNotContain(unit.Split('\n'), l => l.Length > 0 && l[0] is not ('#' or '[') && !l.Contains('=', StringComparison.Ordinal));
    }

    [Fact]
    public void Settings_of_the_kernel_are_open_to_exit_traffic_alone()
    {
        Assert.Equal(["yes"], Values(SystemdUnit.Write(Plain), "ProtectKernelTunables"));
        Assert.Equal(["no"], Values(SystemdUnit.Write(Plain with { ChangesKernelSettings = true }), "ProtectKernelTunables"));
    }

    [Fact]
    public void A_group_comes_with_the_right_to_give_it_the_socket_and_a_compiler_with_its_memory()
    {
        string unit = SystemdUnit.Write(Plain with { Group = "tunnelmesh", CompilesAtRunTime = true, OnlyWhenExists = null, Readable = ["/home/u/peer.yaml"] });
        Assert.Equal(["tunnelmesh"], Values(unit, "SupplementaryGroups"));
        Assert.Contains(Values(unit, "SystemCallFilter"), f => f.EndsWith(" sched_setaffinity @chown", StringComparison.Ordinal));
        Assert.Empty(Values(unit, "MemoryDenyWriteExecute"));
        Assert.Empty(Values(unit, "ConditionPathExists"));
        Assert.Equal(["-/home/u/peer.yaml"], Values(unit, "BindReadOnlyPaths"));
    }

    [Fact]
    public void One_that_joins_by_itself_stays_away_after_leaving() =>
        Assert.Equal(["/etc/tunnelmesh/env.conf", "!/root/.tunnelmesh/contexts/work/left"],
            Values(SystemdUnit.Write(Plain with { OnlyWhenExists = "/etc/tunnelmesh/env.conf", NotWhenExists = "/root/.tunnelmesh/contexts/work/left" }), "ConditionPathExists"));

    [Theory]
    [InlineData("/opt/a b/tm", "\"/opt/a b/tm\"", "\"-/opt/a b/tm\"")]
    [InlineData("/opt/100%/tm", "/opt/100%%/tm", "-/opt/100%%/tm")]
    [InlineData("/opt/$HOME;`id`", "\"/opt/$HOME;`id`\"", "\"-/opt/$HOME;`id`\"")]
    [InlineData("/opt/\"x\\y", "\"/opt/\\\"x\\\\y\"", "\"-/opt/\\\"x\\\\y\"")]
    [InlineData("/opt/a:b", "/opt/a:b", "\"-/opt/a:b\"")]
    public void Paths_with_characters_that_mean_something_to_systemd_stand_for_themselves(string path, string program, string bound)
    {
        string unit = SystemdUnit.Write(Plain with { Program = path, Arguments = ["join", "--config", path], Writable = [path], MadeBeforeStart = path });
        string argument = program.Replace("$", "$$", StringComparison.Ordinal);
        Assert.Equal([$"+/bin/mkdir -p -m 0700 {argument}"], Values(unit, "ExecStartPre"));
        Assert.Equal([$"{program} join --config {argument}"], Values(unit, "ExecStart"));
        Assert.Equal([bound], Values(unit, "BindPaths"));
    }

    [Theory]
    [InlineData("/opt/x\nExecStartPre=/bin/sh")]
    [InlineData("/opt/x\0")]
    public void A_control_character_in_any_of_them_is_refused(string bad)
    {
        Assert.Throws<ServiceException>(() => SystemdUnit.Write(Plain with { Program = bad }));
        Assert.Throws<ServiceException>(() => SystemdUnit.Write(Plain with { Arguments = [bad] }));
        Assert.Throws<ServiceException>(() => SystemdUnit.Write(Plain with { Writable = [bad] }));
        Assert.Throws<ServiceException>(() => SystemdUnit.Write(Plain with { EnvironmentFile = bad }));
        Assert.Throws<ServiceException>(() => SystemdUnit.Write(Plain with { Environment = [new("HOME", bad)] }));
    }

    [Theory]
    [InlineData("default", "tunnelmesh")]
    [InlineData("work", "tunnelmesh-work")]
    public void A_service_has_the_name_of_its_context(string context, string name) => Assert.Equal(name, ServiceDefinition.NameOf(context));

    [Theory]
    [InlineData("default", "alice", "tunnelmesh:alice")]
    [InlineData("work", "svc_backup-2.x", "tunnelmesh:svc_backup-2.x:work")]
    [InlineData("default", "DOM\\bo b$", @"tunnelmesh:DOM\x5cbo\x20b\x24")]
    [InlineData("default", "jörg@example.org", @"tunnelmesh:j\xc3\xb6rg\x40example.org")]
    public void That_of_a_user_has_both_names_and_nothing_that_a_unit_may_not_be_called(string context, string user, string name)
    {
        Assert.Equal(name, ServiceDefinition.NameOf(context, user));
        Assert.Equal($"/etc/tunnelmesh/env{name["tunnelmesh".Length..]}.conf", SystemdManager.EnvironmentFile(context, user));
    }

    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("carol@example.org", "1000")]
    [InlineData("4711", "1000")]
    public void That_of_a_user_is_not_root_and_is_given_the_two_capabilities(string login, string user)
    {
        string unit = SystemdUnit.Write(Plain with
        {
            Account = new ServiceAccount(login, 1000, "/home/a b"),
            OnlyWhenExists = "/home/a b/.tunnelmesh/contexts/work/mesh.json",
            NotWhenExists = "/home/a b/.tunnelmesh/contexts/work/left",
            Writable = ["/home/a b/.tunnelmesh"],
            Readable = ["/home/a b"],
        });
        Assert.Equal([user], Values(unit, "User"));
        Assert.Equal(["CAP_NET_ADMIN CAP_NET_BIND_SERVICE"], Values(unit, "AmbientCapabilities"));
        Assert.Equal(["CAP_NET_ADMIN CAP_NET_BIND_SERVICE"], Values(unit, "CapabilityBoundingSet"));
        Assert.Equal(["\"/home/a b\""], Values(unit, "RequiresMountsFor"));
        // Root looks at nothing that the user could have replaced by a link, and opens up nothing of the kind.
        Assert.Empty(Values(unit, "ConditionPathExists"));
        Assert.Equal(["/usr/bin/test -e \"/home/a b/.tunnelmesh/contexts/work/mesh.json\"", "/usr/bin/test ! -e \"/home/a b/.tunnelmesh/contexts/work/left\""], Values(unit, "ExecCondition"));
        Assert.Empty(Values(unit, "BindPaths"));
        Assert.Empty(Values(unit, "ExecStartPre"));
        Assert.Equal(["\"-/home/a b/.tunnelmesh\""], Values(unit, "ReadWritePaths"));
        Assert.Equal(["\"-/home/a b\""], Values(unit, "BindReadOnlyPaths"));
        // The directory of root's services is not given to the user.
        Assert.Empty(Values(unit, "RuntimeDirectory"));
        string[] same = ["NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=tmpfs", "DevicePolicy=closed", "ProtectKernelTunables=yes", "MemoryDenyWriteExecute=yes", "RestrictNamespaces=yes", "WatchdogSec=30"];
        Assert.Subset(unit.Split('\n').ToHashSet(), same.ToHashSet());
    }

    [Fact]
    public void What_closes_the_way_at_the_start_comes_after_the_systems_rules_and_before_the_network()
    {
        string unit = SystemdUnit.WriteBoot(Plain with { AtBoot = ["exit", "close", "--context", "work"], Readable = ["/home/a b/peer.yaml"] });
        Assert.True(SystemdUnit.IsOurs(unit));
        Assert.Equal(["oneshot"], Values(unit, "Type"));
        Assert.Equal(["no"], Values(unit, "DefaultDependencies"));
        Assert.Equal(["/usr/local/bin/tunnelmesh exit close --context work"], Values(unit, "ExecStart"));
        Assert.Equal(["HOME=/root"], Values(unit, "Environment"));
        Assert.Equal(["network-pre.target shutdown.target"], Values(unit, "Before"));
        Assert.Contains("systemd-remount-fs.service nftables.service", Assert.Single(Values(unit, "After")), StringComparison.Ordinal);
        Assert.Equal(["/usr/local/bin/tunnelmesh /root/.tunnelmesh \"/home/a b/peer.yaml\""], Values(unit, "RequiresMountsFor"));
        Assert.Equal(["/root/.tunnelmesh/contexts/work/mesh.json"], Values(unit, "ConditionPathExists"));
        Assert.Equal(["CAP_NET_ADMIN"], Values(unit, "CapabilityBoundingSet"));
        Assert.Equal(["sysinit.target"], Values(unit, "WantedBy"));
        Assert.DoesNotContain(unit.Split('\n'), l => l.Length > 0 && l[0] is not ('#' or '[') && !l.Contains('=', StringComparison.Ordinal));
    }

    [Fact]
    public void What_closes_the_way_may_do_no_more_than_the_peer_and_less_where_it_needs_less()
    {
        string unit = SystemdUnit.WriteBoot(Plain with { AtBoot = ["exit", "close"], Readable = ["/home/a b/peer.yaml"], Writable = ["/root/.tunnelmesh", "/var/lib/tunnelmesh"] });
        Assert.Equal(["-/root/.tunnelmesh"], Values(unit, "BindPaths"));
        Assert.Equal(["\"-/home/a b/peer.yaml\""], Values(unit, "BindReadOnlyPaths"));
        Assert.Empty(Values(unit, "ReadWritePaths"));
        Assert.Equal(["AF_UNIX AF_NETLINK"], Values(unit, "RestrictAddressFamilies"));
        Assert.Equal(["any"], Values(unit, "IPAddressDeny"));
        // It is ordered before the network, on which other mounts may wait.
        Assert.Empty(Values(unit, "PrivateTmp"));
        string[] less = ["CapabilityBoundingSet", "DevicePolicy", "DeviceAllow", "RestrictAddressFamilies", "PrivateTmp", "BindPaths", "SystemCallFilter"];
        string[] hardened = [.. SystemdUnit.Write(Plain).Split('\n').SkipWhile(l => !l.StartsWith("ProtectSystem", StringComparison.Ordinal)).TakeWhile(l => l != "[Install]")
            .Where(l => l.Contains('=', StringComparison.Ordinal) && !l.StartsWith("ReadWritePaths", StringComparison.Ordinal) && !less.Contains(l.Split('=')[0]))];
        Assert.True(hardened.Length > 15);
        Assert.Subset(unit.Split('\n').ToHashSet(), hardened.ToHashSet());
        // Lanes stay on a processor; here there are none.
        Assert.Equal(Values(SystemdUnit.Write(Plain), "SystemCallFilter"), Values(unit, "SystemCallFilter").Select(f => f.StartsWith("setrlimit", StringComparison.Ordinal) ? f + " sched_setaffinity" : f));
        Assert.Contains(Values(SystemdUnit.WriteBoot(Plain with { CompilesAtRunTime = true }), "SystemCallFilter"), f => f.EndsWith(" sched_setaffinity", StringComparison.Ordinal));
    }

    [Fact]
    public void The_watchdogs_signal_is_not_that_of_a_stop_that_was_asked_for() => Assert.Equal(["SIGQUIT"], Values(SystemdUnit.Write(Plain), "WatchdogSignal"));

    [Fact]
    public void What_others_wrote_is_not_ours() => Assert.False(SystemdUnit.IsOurs("[Unit]\nDescription=TunnelMesh\n" + SystemdUnit.Marker));
}
