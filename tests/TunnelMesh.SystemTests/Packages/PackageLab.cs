using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;
using TunnelMesh.SystemTests.Services;

namespace TunnelMesh.SystemTests.Packages;

/// <summary>A mesh, and a machine that the real systemd runs, with two revisions of a package at hand. Nothing is installed yet.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class PackageLab : IAsyncDisposable
{
    private readonly Underlay underlay;
    private readonly string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private PackageLab(Underlay underlay) => this.underlay = underlay;

    /// <summary>The coordinator, on another machine.</summary>
    public Peer Hub { get; private set; } = null!;

    /// <summary>The machine that packages are for.</summary>
    public BootedMachine Nas { get; private set; } = null!;

    /// <summary>Where the first package is there.</summary>
    public string First { get; private set; } = "";

    /// <summary>The same with revision 2.</summary>
    public string Second { get; private set; } = "";

    public static async Task<PackageLab> StartAsync(BuiltPackages packages, string pattern, CancellationToken cancel)
    {
        await packages.MakeAsync(cancel);
        PackageLab lab = new(await Underlay.CreateAsync(cancel));
        try
        {
            lab.Hub = await Peer.AddAsync(lab.underlay, "hub", lab.token, cancel);
            NetworkNamespace network = await lab.underlay.AddMachineAsync(cancel);
            await lab.Hub.JoinAsync(cancel);
            lab.Nas = await BootedMachine.StartAsync(lab.underlay, network, cancel);
            // Images for containers forbid packages to start and stop services (policy-rc.d), and this is a whole machine. The index of all its man pages is not made anew each time.
            await lab.Nas.RunAsync(cancel, "rm", "-f", "/usr/sbin/policy-rc.d", "/var/lib/man-db/auto-update");
            lab.First = await lab.TakeAsync(packages.First, pattern, cancel);
            lab.Second = await lab.TakeAsync(packages.Second, pattern, cancel);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Says in the service's file what to join, gives it a configuration, and has the service start now and with the system.</summary>
    public async Task EnableAsync(CancellationToken cancel)
    {
        await Nas.RunAsync(cancel, "sh", "-c", $"umask 077; printf 'TUNNELMESH_SERVER={Hub.Machine.Address}:8443\\nTUNNELMESH_TOKEN={token}\\n' > /etc/tunnelmesh/env.conf");
        await Nas.RunAsync(cancel, "sh", "-c", "mkdir -p -m 700 /root/.tunnelmesh && printf 'dns:\n  aliases: [files]\n' > /root/.tunnelmesh/config.yaml");
        await Nas.RunAsync(cancel, "systemctl", "enable", "--now", "--quiet", "tunnelmesh");
    }

    /// <summary>Joins by hand until the peer is usable, and ends it then as Ctrl-C does.</summary>
    public async Task JoinByHandAsync(CancellationToken cancel)
    {
        await using RunningProgram join = Nas.Start("env", $"TUNNELMESH_TOKEN={token}", "sh", "-c", $"echo $$ > /run/by-hand && exec tunnelmesh join {Hub.Machine.Address}:8443");
        await join.WaitForLineAsync("Connected to mesh as", TimeSpan.FromSeconds(30), cancel);
        await Nas.RunAsync(cancel, "sh", "-c", "kill -INT $(cat /run/by-hand)");
        Assert.Equal(0, await join.WaitForExitAsync(TimeSpan.FromSeconds(10), cancel));
    }

    /// <summary>What the administrator has: secrets, identity and configuration, each with its mode, owner and text.</summary>
    public Task<string> OwnFilesAsync(CancellationToken cancel) => Nas.RunAsync(cancel, "sh", "-c", "for f in /etc/tunnelmesh/env.conf /root/.tunnelmesh/id_ed25519 /root/.tunnelmesh/config.yaml; do stat -c '%n %a %U' $f; sha256sum < $f; done");

    /// <summary>The process of the service; 0 for none.</summary>
    public Task<string> PidAsync(CancellationToken cancel) => Nas.RunAsync(cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh");

    /// <summary>The device that the running peer is.</summary>
    public async Task<string> DeviceAsync(CancellationToken cancel)
    {
        using System.Text.Json.JsonDocument status = System.Text.Json.JsonDocument.Parse(await Nas.RunAsync(cancel, "tunnelmesh", "status", "--json"));
        return status.RootElement.GetProperty("device_id").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        if (Nas is not null)
        {
            await Nas.DisposeAsync();
        }

        if (Hub is not null)
        {
            await Hub.DisposeAsync();
        }

        await underlay.DisposeAsync();
    }

    // The machine has a /tmp of its own, and this machine's files elsewhere.
    private async Task<string> TakeAsync(string folder, string pattern, CancellationToken cancel)
    {
        string file = Directory.GetFiles(folder, pattern).Single(), there = $"/var/cache/{Path.GetFileName(folder)}-{Path.GetFileName(file)}";
        await Nas.PutAsync(file, there, cancel);
        return there;
    }
}
