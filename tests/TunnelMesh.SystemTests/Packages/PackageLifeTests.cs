using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Services;

namespace TunnelMesh.SystemTests.Packages;

/// <summary>Installed, upgraded, removed and purged by dpkg and rpm, on a machine that the real systemd runs.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PackageLifeTests(BuiltPackages packages)
{
    private const string Unit = "/usr/lib/systemd/system/tunnelmesh.service", Home = "/root/.tunnelmesh";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deb_is_installed_upgraded_removed_installed_again_and_purged()
    {
        Requirements.Programs("dpkg", "systemd-analyze");
        await using PackageLab lab = await PackageLab.StartAsync(packages, "*_amd64.deb", Cancel);
        BootedMachine nas = lab.Nas;
        string first = lab.First, second = lab.Second, clean = await nas.SystemAsync(Cancel);

        // Where no systemd runs, as in most containers, there is nothing to tell.
        await nas.RunAsync(Cancel, "unshare", "--mount", "sh", "-c", $"mount -t tmpfs tmpfs /run && dpkg --install {first} && dpkg --purge tunnelmesh && test ! -e /var/lib/tunnelmesh");

        // Nothing is started by the installation alone, nor when somebody tries before there is anything to join.
        await nas.RunAsync(Cancel, "apt-get", "install", "--yes", "--quiet", first);
        Assert.StartsWith("tunnelmesh ", await nas.RunAsync(Cancel, "tunnelmesh", "version"), StringComparison.Ordinal);
        Assert.Contains("tunnelmesh:x:", await nas.RunAsync(Cancel, "getent", "group", "tunnelmesh"), StringComparison.Ordinal);
        await nas.RunAsync(Cancel, "systemctl", "start", "tunnelmesh");
        Assert.Equal("inactive", (await nas.TryRunAsync(Cancel, "systemctl", "is-active", "tunnelmesh")).Output.Trim());
        CommandResult verified = await nas.TryRunAsync(Cancel, "systemd-analyze", "verify", Unit);
        Assert.True(verified.Succeeded && (verified.Output + verified.Errors).Length == 0, verified.ToString());
        await nas.RunAsync(Cancel, "systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=40", Unit);

        // It joins by what stands in its file.
        await lab.EnableAsync(Cancel);
        await nas.RunAsync(Cancel, "tunnelmesh", "service", "status");
        string id = await lab.DeviceAsync(Cancel);
        Assert.Contains("CapEff:\t0000000000001400", await nas.RunAsync(Cancel, "cat", $"/proc/{await lab.PidAsync(Cancel)}/status"), StringComparison.Ordinal);

        // An upgrade has it go on as the new program, and as the same device, and changes nothing that is the administrator's.
        string before = await lab.PidAsync(Cancel), own = await lab.OwnFilesAsync(Cancel);
        Assert.Contains("env.conf 600 root", own, StringComparison.Ordinal);
        await nas.RunAsync(Cancel, "dpkg", "--install", second);
        Assert.Equal(own, await lab.OwnFilesAsync(Cancel));
        await nas.UntilAsync(status => status.Contains("\"aliases\":[\"files\"]", StringComparison.Ordinal), Cancel, "tunnelmesh", "status", "--json");
        Assert.Contains("-2", await nas.RunAsync(Cancel, "dpkg-query", "--show", "--showformat=${Version}", "tunnelmesh"), StringComparison.Ordinal);
        Assert.NotEqual(before, await lab.PidAsync(Cancel));
        Assert.Equal(id, await lab.DeviceAsync(Cancel));

        // One that somebody has stopped stays so.
        await nas.RunAsync(Cancel, "tunnelmesh", "service", "stop");
        await nas.RunAsync(Cancel, "dpkg", "--install", second);
        Assert.Equal("0", await lab.PidAsync(Cancel));
        await nas.RunAsync(Cancel, "tunnelmesh", "service", "start");

        // `service uninstall` takes it out of the system, and leaves the package its file.
        Assert.Contains($"{Unit} belongs to the package", await nas.RunAsync(Cancel, "tunnelmesh", "service", "uninstall"), StringComparison.Ordinal);
        Assert.Equal("0", await lab.PidAsync(Cancel));
        await nas.RunAsync(Cancel, "systemctl", "enable", "--now", "--quiet", "tunnelmesh");

        // Removed it is stopped, and everything of it is there when it comes back.
        // What a killed peer has left is put back while the program is there still.
        await nas.KillServiceAsync("tunnelmesh", Cancel);
        string killed = await nas.SystemAsync(Cancel);
        Assert.True(killed.Contains("nameserver 127.0.0.53", StringComparison.Ordinal) && killed.Contains("tunnelmesh-guard-", StringComparison.Ordinal), killed);
        Assert.Contains("it was undone", await nas.RunAsync(Cancel, "dpkg", "--remove", "tunnelmesh"), StringComparison.Ordinal);
        Assert.Equal(clean, await nas.SystemAsync(Cancel));
        Assert.Equal("0", await lab.PidAsync(Cancel));
        await nas.RunAsync(Cancel, "test", "!", "-e", "/usr/bin/tunnelmesh", "-a", "-e", "/etc/tunnelmesh/env.conf", "-a", "-e", $"{Home}/id_ed25519");
        await nas.RunAsync(Cancel, "dpkg", "--install", first);
        Assert.Equal(id, await lab.DeviceAsync(Cancel));

        // A unit of `service install` that runs this program is of the package's keeping, too; one that runs another is not.
        await nas.RunAsync(Cancel, "sh", "-c", "tunnelmesh service install && sed -i 's|^ExecStart=[^ ]*|ExecStart=/usr/bin/tunnelmesh|' /etc/systemd/system/tunnelmesh.service && systemctl daemon-reload && systemctl restart tunnelmesh");
        before = await lab.PidAsync(Cancel);
        await nas.RunAsync(Cancel, "dpkg", "--install", second);
        Assert.NotEqual(before, await lab.PidAsync(Cancel));
        await nas.RunAsync(Cancel, "sh", "-c", "mkdir -p /var/lib/tunnelmesh/ca && printf '[Service]\\nExecStart=/opt/other/tunnelmesh join\\n' > /etc/systemd/system/tunnelmesh-work.service && mkdir /var/lib/tunnelmesh-work");
        Assert.Contains("tunnelmesh-work.service runs another program", await nas.RunAsync(Cancel, "dpkg", "--purge", "tunnelmesh"), StringComparison.Ordinal);
        await nas.RunAsync(Cancel, "test", "!", "-e", "/etc/systemd/system/tunnelmesh.service", "-a", "!", "-L", "/etc/systemd/system/multi-user.target.wants/tunnelmesh.service", "-a", "-e", "/var/lib/tunnelmesh/ca", "-a", "-e", "/var/lib/tunnelmesh-work", "-a", "-e", "/etc/tunnelmesh/env.conf");

        // Purged for good: what is in the places of the system goes, what is in a home stays.
        await nas.RunAsync(Cancel, "rm", "-r", "/etc/systemd/system/tunnelmesh-work.service", "/var/lib/tunnelmesh-work");
        await nas.RunAsync(Cancel, "dpkg", "--install", first);
        // With it goes what services of other contexts made, here a coordinator's state; what belongs to none of them is told.
        await nas.RunAsync(Cancel, "sh", "-c", $"tunnelmesh context create lab && printf 'coordinator:\n  enabled: true\n  mesh_cidr: 10.43.0.0/16\n' > {Home}/contexts/lab/config.yaml && env TUNNELMESH_LOG_LEVEL=debug tunnelmesh service install --context lab");
        await nas.RunAsync(Cancel, "sh", "-c", "sed -i 's|^ExecStart=[^ ]*|ExecStart=/usr/bin/tunnelmesh|' /etc/systemd/system/tunnelmesh-lab.service && systemctl daemon-reload && systemctl restart tunnelmesh-lab");
        await nas.RunAsync(Cancel, "sh", "-c", "test -e /var/lib/tunnelmesh-lab/ca && test -e /etc/tunnelmesh/env-lab.conf && mkdir /var/lib/tunnelmesh-old");
        // As `service install` writes it where there is a kill switch; an upgrade does not start it as it starts services.
        await nas.RunAsync(Cancel, "sh", "-c", """
            for unit in tunnelmesh_closed tunnelmesh-lab_closed; do
                printf '# Written by `tunnelmesh service install`, for a test.\n[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/usr/bin/tunnelmesh exit close\n[Install]\nWantedBy=sysinit.target\n' > /etc/systemd/system/$unit.service
            done
            systemctl daemon-reload
            systemctl enable --quiet tunnelmesh_closed tunnelmesh-lab_closed
            """);
        string purged = await nas.RunAsync(Cancel, "dpkg", "--purge", "tunnelmesh");
        Assert.Contains("/var/lib/tunnelmesh-old stays", purged, StringComparison.Ordinal);
        Assert.DoesNotContain("tunnelmesh-lab stays", purged, StringComparison.Ordinal);
        await nas.RunAsync(Cancel, "test", "!", "-e", "/var/lib/tunnelmesh-lab", "-a", "!", "-e", "/etc/systemd/system/tunnelmesh-lab.service");
        await nas.RunAsync(Cancel, "rmdir", "/var/lib/tunnelmesh-old");
        Assert.Contains($"stay in {Home}", purged, StringComparison.Ordinal);
        await nas.RunAsync(Cancel, "test", "!", "-e", "/etc/tunnelmesh", "-a", "!", "-e", "/var/lib/tunnelmesh", "-a", "!", "-e", "/run/tunnelmesh", "-a", "!", "-e", Unit, "-a", "-e", $"{Home}/id_ed25519");
        Assert.DoesNotContain("warning", purged, StringComparison.Ordinal);
        Assert.Equal("not-found", await nas.RunAsync(Cancel, "systemctl", "show", "--property=LoadState", "--value", "tunnelmesh"));
        Assert.Equal("", (await nas.TryRunAsync(Cancel, "find", "/etc", "/usr", "/var/lib", "-name", "*tunnelmesh*", "-not", "-path", "/usr/local/*", "-not", "-path", "*/dpkg/*")).Output.Trim());
    }

    [Fact]
    public async Task An_rpm_is_installed_upgraded_and_erased()
    {
        Requirements.Programs("rpm");
        await using PackageLab lab = await PackageLab.StartAsync(packages, "*.x86_64.rpm", Cancel);
        BootedMachine nas = lab.Nas;
        string first = lab.First, second = lab.Second;

        // Its database knows nothing of what Debian has installed.
        await nas.RunAsync(Cancel, "rpm", "--install", "--nodeps", "--force-debian", first);
        await lab.EnableAsync(Cancel);
        string id = await lab.DeviceAsync(Cancel), before = await lab.PidAsync(Cancel), own = await lab.OwnFilesAsync(Cancel);
        await nas.RunAsync(Cancel, "rpm", "--upgrade", "--nodeps", "--force-debian", second);
        Assert.EndsWith("-2", await nas.RunAsync(Cancel, "rpm", "--query", "--queryformat", "%{VERSION}-%{RELEASE}", "tunnelmesh"), StringComparison.Ordinal);
        Assert.Equal(own, await lab.OwnFilesAsync(Cancel));
        Assert.NotEqual(before, await lab.PidAsync(Cancel));
        Assert.Equal(id, await lab.DeviceAsync(Cancel));
        await nas.RunAsync(Cancel, "rpm", "--verify", "--nodeps", "tunnelmesh");
        await nas.RunAsync(Cancel, "rpm", "--erase", "tunnelmesh");
        Assert.Equal("0", await lab.PidAsync(Cancel));
        await nas.RunAsync(Cancel, "test", "!", "-e", "/usr/bin/tunnelmesh", "-a", "!", "-e", Unit, "-a", "-e", "/etc/tunnelmesh/env.conf", "-a", "-e", $"{Home}/id_ed25519");
        Assert.Equal(own, await lab.OwnFilesAsync(Cancel));
        // Of the package nothing is left, empty directories neither.
        Assert.Equal("", (await nas.TryRunAsync(Cancel, "find", "/usr", "/etc/systemd/system", "-name", "*tunnelmesh*", "-not", "-path", "/usr/local/*", "-not", "-type", "l")).Output.Trim());
        // What is enabled starts when it comes back.
        await nas.RunAsync(Cancel, "rpm", "--install", "--nodeps", "--force-debian", first);
        Assert.Equal(id, await lab.DeviceAsync(Cancel));
        Assert.Contains("\"guard\":{\"enforced\":true,\"by\":\"nft\"", await nas.RunAsync(Cancel, "tunnelmesh", "status", "--json"), StringComparison.Ordinal);

        // Having left it stays away, though its file has all that a join needs, until somebody joins again.
        await nas.RunAsync(Cancel, "tunnelmesh", "leave");
        await nas.UntilAsync(state => state == "inactive", Cancel, "systemctl", "is-active", "tunnelmesh");
        await nas.RunAsync(Cancel, "systemctl", "start", "tunnelmesh");
        Assert.Equal("0", await lab.PidAsync(Cancel));
        Assert.Empty((await lab.Hub.AskJsonAsync(Cancel, "peers")).EnumerateArray());
        await lab.JoinByHandAsync(Cancel);
        await nas.RunAsync(Cancel, "systemctl", "start", "tunnelmesh");
        Assert.NotEqual(id, await lab.DeviceAsync(Cancel));
    }
}
