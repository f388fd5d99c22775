using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Tests.Cli;

public sealed class ExitSettingsTests
{
    [Fact]
    public void A_flag_wins_and_the_meshs_own_packets_get_a_mark()
    {
        Settings settings = new() { ExitPeer = "paris" };
        ExitSettings.Apply(settings, "berlin", allow: false);
        Assert.Equal(("berlin", 0x746DU), (settings.ExitPeer, settings.FirewallMark));
        Settings marked = new() { ExitPeer = "paris", FirewallMark = 5 };
        ExitSettings.Apply(marked, null, allow: false);
        Assert.Equal(("paris", 5U), (marked.ExitPeer, marked.FirewallMark));
        Settings plain = new();
        ExitSettings.Apply(plain, null, allow: true);
        Assert.Equal((true, 0U), (plain.AllowExitTraffic, plain.FirewallMark));
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        Assert.Contains("exclude each other", Assert.Throws<ConfigException>(() => ExitSettings.Apply(new Settings { AllowExitTraffic = true }, "berlin", allow: false)).Message, StringComparison.Ordinal);
        Assert.Contains("exit_offline: direct", Assert.Throws<ConfigException>(() => ExitSettings.Apply(new Settings { ExitKillSwitch = true, ExitOfflineDirect = true }, "berlin", allow: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kill_switch_without_an_exit_peer_is_refused_wherever_the_peer_is_missing()
    {
        foreach (string system in new[] { "linux", "macos", "windows" })
        {
            foreach (Settings settings in new Settings[] { new() { ExitKillSwitch = true }, new() { ExitKillSwitch = true, ExitPeer = "  " }, new() { ExitKillSwitch = true, AllowExitTraffic = true } })
            {
                Assert.Contains("there is no exit peer", Refused(settings, null, system), StringComparison.Ordinal);
            }
        }
        Settings named = new() { ExitKillSwitch = true };
        ExitSettings.Apply(named, "berlin", allow: false, "linux");
        Assert.Equal(("berlin", true), (named.ExitPeer, named.ExitKillSwitch));
    }

    [Fact]
    public void On_macOS_both_sides_are_known_and_nothing_is_marked()
    {
        Settings uses = new() { ExitKillSwitch = true };
        ExitSettings.Apply(uses, "berlin", allow: false, "macos");
        Assert.Equal(("berlin", 0U), (uses.ExitPeer, uses.FirewallMark));
        Settings serves = new();
        ExitSettings.Apply(serves, null, allow: true, "macos");
        Assert.True(serves.AllowExitTraffic);
    }

    [Fact]
    public void On_Windows_what_cannot_be_kept_is_refused_with_what_to_do()
    {
        ExitSettings.Apply(new Settings { ExitLanAccess = true }, "berlin", allow: false, "windows");
        Assert.Contains("exit_lan_access: true", Refused(new Settings(), "berlin", "windows"), StringComparison.Ordinal);
        Assert.Contains("exit_kill_switch", Refused(new Settings { ExitLanAccess = true, ExitKillSwitch = true }, "berlin", "windows"), StringComparison.Ordinal);
        string serving = Refused(new Settings { AllowExitTraffic = true }, null, "windows");
        Assert.All(new[] { "New-NetNat -Name TunnelMesh -InternalIPInterfaceAddressPrefix 192.168.77.0/24", "-Forwarding Enabled" }, command => Assert.Contains(command, serving, StringComparison.Ordinal));
    }

    [Fact]
    public void A_system_that_is_not_known_runs_without_exit_traffic_only()
    {
        ExitSettings.Apply(new Settings(), null, allow: false, "");
        Assert.Contains("Linux, macOS and Windows only", Refused(new Settings(), "berlin", ""), StringComparison.Ordinal);
    }

    private static string Refused(Settings settings, string? peer, string system) => Assert.Throws<ConfigException>(() => ExitSettings.Apply(settings, peer, allow: false, system)).Message;
}
