using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;
using TunnelMesh.SystemTests.Services;

namespace TunnelMesh.SystemTests.Packages;

/// <summary>Installed, upgraded, removed and purged by dpkg and rpm, on a machine that the real systemd runs.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PackageLifeTests(BuiltPackages packages)
{
    private const string Unit = "/usr/lib/systemd/system/tunnelmesh.service", Home = "/root/.tunnelmesh";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deb_is_installed_upgraded_removed_installed_again_and_purged()
    {
        Requirements.Programs("dpkg", "systemd-analyze");
        await packages.MakeAsync(Cancel);
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootAsync(underlay, network);
        string first = await TakeAsync(nas, packages.First, "*_amd64.deb"), second = await TakeAsync(nas, packages.Second, "*_amd64.deb");

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
        await nas.RunAsync(Cancel, "sh", "-c", $"umask 077; printf 'TUNNELMESH_SERVER={hub.Machine.Address}:8443\\nTUNNELMESH_TOKEN={Token}\\n' > /etc/tunnelmesh/env.conf");
        await nas.RunAsync(Cancel, "systemctl", "enable", "--now", "--quiet", "tunnelmesh");
        await nas.RunAsync(Cancel, "tunnelmesh", "service", "status");
        string id = await DeviceAsync(nas);
        Assert.Contains("CapEff:\t0000000000001400", await nas.RunAsync(Cancel, "cat", $"/proc/{await PidAsync(nas)}/status"), StringComparison.Ordinal);

        // An upgrade has it go on as the new program, and as the same device.
        string before = await PidAsync(nas);
        await nas.RunAsync(Cancel, "dpkg", "--install", second);
        Assert.Contains("-2", await nas.RunAsync(Cancel, "dpkg-query", "--show", "--showformat=${Version}", "tunnelmesh"), StringComparison.Ordinal);
        Assert.NotEqual(before, await PidAsync(nas));
        Assert.Equal(id, await DeviceAsync(nas));

        // One that somebody has stopped stays so.
        await nas.RunAsync(Cancel, "tunnelmesh", "service", "stop");
        await nas.RunAsync(Cancel, "dpkg", "--install", second);
        Assert.Equal("0", await PidAsync(nas));
        await nas.RunAsync(Cancel, "tunnelmesh", "service", "start");

        // `service uninstall` takes it out of the system, and leaves the package its file.
        Assert.Contains($"{Unit} belongs to the package", await nas.RunAsync(Cancel, "tunnelmesh", "service", "uninstall"), StringComparison.Ordinal);
        Assert.Equal("0", await PidAsync(nas));
        await nas.RunAsync(Cancel, "systemctl", "enable", "--now", "--quiet", "tunnelmesh");

        // Removed it is stopped, and everything of it is there when it comes back.
        await nas.RunAsync(Cancel, "dpkg", "--remove", "tunnelmesh");
        Assert.Equal("0", await PidAsync(nas));
        await nas.RunAsync(Cancel, "test", "!", "-e", "/usr/bin/tunnelmesh", "-a", "-e", "/etc/tunnelmesh/env.conf", "-a", "-e", $"{Home}/id_ed25519");
        await nas.RunAsync(Cancel, "dpkg", "--install", first);
        Assert.Equal(id, await DeviceAsync(nas));

        // A unit of `service install` that runs this program is of the package's keeping, too; one that runs another is not.
        await nas.RunAsync(Cancel, "sh", "-c", "tunnelmesh service install && sed -i 's|^ExecStart=[^ ]*|ExecStart=/usr/bin/tunnelmesh|' /etc/systemd/system/tunnelmesh.service && systemctl daemon-reload && systemctl restart tunnelmesh");
        before = await PidAsync(nas);
        await nas.RunAsync(Cancel, "dpkg", "--install", second);
        Assert.NotEqual(before, await PidAsync(nas));
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
        await packages.MakeAsync(Cancel);
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootAsync(underlay, network);
        string first = await TakeAsync(nas, packages.First, "*.x86_64.rpm"), second = await TakeAsync(nas, packages.Second, "*.x86_64.rpm");

        // Its database knows nothing of what Debian has installed.
        await nas.RunAsync(Cancel, "rpm", "--install", "--nodeps", "--force-debian", first);
        await nas.RunAsync(Cancel, "sh", "-c", $"umask 077; printf 'TUNNELMESH_SERVER={hub.Machine.Address}:8443\\nTUNNELMESH_TOKEN={Token}\\n' > /etc/tunnelmesh/env.conf");
        await nas.RunAsync(Cancel, "systemctl", "enable", "--now", "--quiet", "tunnelmesh");
        string id = await DeviceAsync(nas), before = await PidAsync(nas);
        await nas.RunAsync(Cancel, "rpm", "--upgrade", "--nodeps", "--force-debian", second);
        Assert.NotEqual(before, await PidAsync(nas));
        Assert.Equal(id, await DeviceAsync(nas));
        await nas.RunAsync(Cancel, "rpm", "--verify", "--nodeps", "tunnelmesh");
        await nas.RunAsync(Cancel, "rpm", "--erase", "tunnelmesh");
        Assert.Equal("0", await PidAsync(nas));
        await nas.RunAsync(Cancel, "test", "!", "-e", "/usr/bin/tunnelmesh", "-a", "!", "-e", Unit, "-a", "-e", "/etc/tunnelmesh/env.conf", "-a", "-e", $"{Home}/id_ed25519");
        // What is enabled starts when it comes back.
        await nas.RunAsync(Cancel, "rpm", "--install", "--nodeps", "--force-debian", first);
        Assert.Equal(id, await DeviceAsync(nas));
    }

    // Images for containers forbid packages to start and stop services (policy-rc.d), and this is a whole machine. The index of all its man pages is not made anew each time.
    private static async Task<BootedMachine> BootAsync(Underlay underlay, NetworkNamespace network)
    {
        BootedMachine machine = await BootedMachine.StartAsync(underlay, network, Cancel);
        await machine.RunAsync(Cancel, "rm", "-f", "/usr/sbin/policy-rc.d", "/var/lib/man-db/auto-update");
        return machine;
    }

    private static Task<string> PidAsync(BootedMachine machine) => machine.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh");

    private static async Task<string> DeviceAsync(BootedMachine machine)
    {
        using System.Text.Json.JsonDocument status = System.Text.Json.JsonDocument.Parse(await machine.RunAsync(Cancel, "tunnelmesh", "status", "--json"));
        return status.RootElement.GetProperty("device_id").GetString()!;
    }

    // The machine has a /tmp of its own, and this machine's files elsewhere.
    private static async Task<string> TakeAsync(BootedMachine machine, string folder, string pattern)
    {
        string file = Directory.GetFiles(folder, pattern).Single(), there = $"/var/cache/{Path.GetFileName(folder)}-{Path.GetFileName(file)}";
        await machine.PutAsync(file, there, Cancel);
        return there;
    }
}
