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
}
