using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Cli;

public sealed class PackagedServiceTests
{
    [Fact]
    public async Task The_unit_of_packages_starts_nothing_until_somebody_has_said_what_to_join()
    {
        using CommandLine cli = new();
        (int code, string unit, _) = await cli.RunAsync(["service", "unit"]);
        Assert.Equal(0, code);
        string[] lines = unit.Split('\n');
        Assert.Equal(SystemdUnit.PackagedMarker, lines[0]);
        // What `service install` writes may take its place, and what it did not write it leaves alone.
        Assert.False(SystemdUnit.IsOurs(unit));
        Assert.Contains("ConditionPathExists=/etc/tunnelmesh/env.conf", lines);
        Assert.Contains("ConditionPathExists=!/root/.tunnelmesh/contexts/default/left", lines);
        Assert.Contains("EnvironmentFile=-/etc/tunnelmesh/env.conf", lines);
        Assert.Contains("ExecStart=/usr/bin/tunnelmesh join --context default", lines);
        Assert.Contains("BindPaths=-/root/.tunnelmesh", lines);
        Assert.Contains("BindPaths=-/var/lib/tunnelmesh", lines);
        Assert.True(Array.IndexOf(lines, "ExecStartPre=+/bin/mkdir -p -m 0700 /root/.tunnelmesh") > 0);
    }

    [Fact]
    public async Task Whoever_asks_what_there_is_is_not_told_of_what_is_for_packages()
    {
        using CommandLine cli = new();
        (_, _, string error) = await cli.RunAsync(["service"]);
        (_, string help, _) = await cli.RunAsync(["service", "--help"]);
        Assert.DoesNotContain("`unit`", error, StringComparison.Ordinal);
        Assert.DoesNotContain("packages carry", help, StringComparison.Ordinal);
    }
}
