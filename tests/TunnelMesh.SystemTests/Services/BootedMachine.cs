using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Services;

/// <summary>
/// A machine of an underlay on which the real systemd runs as the first process, in namespaces of its own: its files are a layer over this machine's that goes
/// with it, its /run, /tmp and cgroup are its own. The tunnelmesh under test lies in /opt/tm.
/// </summary>
internal sealed class BootedMachine : IAsyncDisposable
{
    public const string Program = "/opt/tm/tunnelmesh";
    private const string Systemd = "/lib/systemd/systemd";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), PatienceWithPackages = TimeSpan.FromSeconds(90);

    // $1 a folder of ours, $2 the folder of the program, $3 the cgroup to make, $4 an archive of files that are there before the first process is, or nothing,
    // $5 a folder with packages that are installed before it starts, or nothing.
    private const string Boot =
        """
        set -e
        if [ "${6:-}" != inside ]; then
            mkdir "$3"
            echo $$ > "$3/cgroup.procs"
            exec unshare --mount --pid --uts --ipc --cgroup --fork --kill-child sh "$0" "$1" "$2" "$3" "$4" "$5" inside
        fi
        mount --make-rprivate /
        mkdir -p "$1/layer"
        mount -t tmpfs tmpfs "$1/layer"
        mkdir "$1/layer/upper" "$1/layer/work" "$1/layer/root"
        root=$1/layer/root
        mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/upper,workdir=$1/layer/work" "$root"
        mount -t proc proc "$root/proc"
        for place in run dev root; do mount -t tmpfs -o mode=755 tmpfs "$root/$place"; done
        mount -t tmpfs tmpfs "$root/tmp"
        for device in null zero full random urandom tty; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
        mkdir "$root/dev/net" "$root/dev/shm" "$root/dev/pts"
        # Units with devices of their own get these from here.
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
        ln -s pts/ptmx "$root/dev/ptmx"
        # As udev has it.
        mknod -m 666 "$root/dev/net/tun" c 10 200
        mount -t sysfs -o ro sysfs "$root/sys"
        mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
        rm -rf "$root/etc/systemd/system" "$root/var/lib/tunnelmesh" "$root/etc/tunnelmesh"
        mkdir -p "$root/etc/systemd/system" "$root/opt/tm" "$root/old"
        rm -f "$root/etc/resolv.conf"
        echo 'nameserver 198.51.100.250' > "$root/etc/resolv.conf"
        : > "$root/etc/fstab"
        for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger.service systemd-remount-fs.service \
            systemd-modules-load.service systemd-sysctl.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
            systemd-random-seed.service systemd-tmpfiles-setup-dev.service systemd-sysusers.service tmp.mount; do
            ln -s /dev/null "$root/etc/systemd/system/$unit"
        done
        if [ -n "$4" ]; then tar -xf "$4" -C "$root"; fi
        printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' > "$root/etc/systemd/system/small.target"
        mount --bind "$2" "$root/opt/tm"
        if [ -n "$5" ]; then
            mkdir "$root/opt/packages"
            ln -s /proc/self/fd "$root/dev/fd"
            mount --bind "$5" "$root/opt/packages"
            # What is known of the mirror would be asked there. The index of all man pages is not made anew for it.
            rm -f "$root/var/lib/man-db/auto-update"
            env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root" \
                sh -c 'apt-get install --quiet --yes --no-install-recommends -o APT::Sandbox::User=root \
                    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=/tmp /opt/packages/*.deb' < /dev/null
            umount "$root/opt/packages"
        fi
        cd "$root"
        pivot_root . old
        umount -l /old
        # As the first process has it where it is not told of a container.
        mount --make-rshared /
        exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=small.target
        """;

    private const string SystemState =
        "cat /etc/resolv.conf; nft -s list ruleset; for f in -4 -6; do ip $f rule; ip $f route show table 29805 2> /dev/null; ip $f route; done; cd /proc/sys/net && grep -H . ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/*/rp_filter";

    private readonly RunningProgram outer;
    private readonly string cgroup;
    private readonly string first;

    private BootedMachine(RunningProgram outer, string cgroup, string first)
    {
        this.outer = outer;
        this.cgroup = cgroup;
        this.first = first;
    }

    /// <summary>Starts it.</summary>
    /// <param name="underlay">Keeps what it needs.</param>
    /// <param name="machine">Whose network it has, which outlives it.</param>
    /// <param name="cancel">Gives up.</param>
    /// <param name="files">A tar archive of what another has on its disks, from <see cref="TakeAsync"/>; null for a new machine.</param>
    /// <param name="packages">A folder with packages to be installed there first, or null.</param>
    public static async Task<BootedMachine> StartAsync(Underlay underlay, NetworkNamespace machine, CancellationToken cancel, string? files = null, string? packages = null)
    {
        Requirements.Programs("unshare", "nsenter", "systemctl", "journalctl", "findmnt", "pgrep");
        Assert.SkipUnless(File.Exists(Systemd), $"needs {Systemd} (Debian's package systemd)");
        string mounts = await Command.RunAsync(["findmnt", "--noheadings", "--list", "--types", "cgroup2", "--output", "TARGET"], cancel: cancel);
        Assert.SkipWhen(mounts.Length == 0, "needs cgroups of version 2");
        string folder = Path.Combine(underlay.Folder, machine.Name), script = Path.Combine(folder, "boot.sh"), cgroup = Path.Combine(mounts.Split('\n')[0], machine.Name);
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(script, Boot, cancel);
        // Not `ip netns exec`, which mounts a /sys of its own, without the cgroups.
        RunningProgram outer = RunningProgram.Start(["nsenter", $"--net=/run/netns/{machine.Name}", "sh", script, folder, Path.GetDirectoryName(Repository.Binary)!, cgroup, files ?? "", packages ?? ""]);
        TimeSpan patience = packages is null ? Patience : PatienceWithPackages;
        try
        {
            string first = await UntilAsync(FirstAsync, pid => pid.Length > 0, () => outer.Output, cancel, patience);
            BootedMachine booted = new(outer, cgroup, first);
            await UntilAsync(async () => (await booted.TryRunAsync(cancel, "systemctl", "is-system-running")).Output.Trim(), state => state is "running" or "degraded", () => outer.Output, cancel);
            return booted;
        }
        catch
        {
            await outer.DisposeAsync();
            throw;
        }

        async Task<string> FirstAsync()
        {
            Assert.True(Directory.Exists($"/proc/{outer.ProcessId}"), $"the machine did not start: {outer.Output}");
            return (await Command.TryRunAsync(["pgrep", "--exact", "--parent", $"{outer.ProcessId}", "systemd"], cancel: cancel)).Output.Trim();
        }
    }

    /// <summary>Runs a command there, as root with nothing of our environment.</summary>
    public Task<CommandResult> TryRunAsync(CancellationToken cancel, params string[] arguments) => Command.TryRunAsync(Inside(arguments), cancel: cancel);

    /// <summary>Starts a command there that goes on. Ending it ends nothing there: signals have to be sent inside.</summary>
    public RunningProgram Start(params string[] arguments) => RunningProgram.Start(Inside(arguments));

    /// <summary>Runs one that has to succeed; its output, trimmed.</summary>
    public async Task<string> RunAsync(CancellationToken cancel, params string[] arguments)
    {
        CommandResult result = await TryRunAsync(cancel, arguments);
        Assert.True(result.Succeeded, $"{string.Join(' ', arguments)}: {result}");
        return result.Output.Trim();
    }

    /// <summary>Runs a command until its output is as wanted, for half a minute.</summary>
    public Task<string> UntilAsync(Func<string, bool> wanted, CancellationToken cancel, params string[] arguments) =>
        UntilAsync(async () => (await TryRunAsync(cancel, arguments)).Output.Trim(), wanted, () => string.Join(' ', arguments), cancel);

    /// <summary>Kills the peer of a service as a crash does, and has it not come back.</summary>
    public async Task KillServiceAsync(string service, CancellationToken cancel)
    {
        string place = $"/run/systemd/system/{service}.service.d";
        await RunAsync(cancel, "sh", "-c", $"mkdir -p '{place}' && printf '[Service]\nRestart=no\n' > '{place}/once.conf' && systemctl daemon-reload && systemctl kill --signal=KILL '{service}'");
        await UntilAsync(state => state == "failed", cancel, "systemctl", "show", "--property=ActiveState", "--value", service);
        await RunAsync(cancel, "sh", "-c", $"rm -r '{place}' && systemctl daemon-reload");
    }

    /// <summary>Everything that a peer may change, as the system has it.</summary>
    public Task<string> SystemAsync(CancellationToken cancel) => RunAsync(cancel, "sh", "-c", SystemState);

    /// <summary>Copies a file of this machine into it.</summary>
    public async Task PutAsync(string file, string there, CancellationToken cancel)
    {
        await using FileStream from = File.OpenRead(file), to = File.Create($"/proc/{first}/root{there}");
        await from.CopyToAsync(to, cancel);
    }

    /// <summary>Copies files of it into an archive of this machine.</summary>
    /// <param name="archive">Where to.</param>
    /// <param name="cancel">Gives up.</param>
    /// <param name="paths">What, from its root.</param>
    public async Task TakeAsync(string archive, CancellationToken cancel, params string[] paths)
    {
        await RunAsync(cancel, ["tar", "-C", "/", "-cf", "/tmp/taken.tar", .. paths]);
        await using FileStream from = File.OpenRead($"/proc/{first}/root/tmp/taken.tar"), to = File.Create(archive);
        await from.CopyToAsync(to, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        // With its first process everything in there ends.
        await Command.TryRunAsync(["kill", "-KILL", first]);
        await outer.WaitForExitAsync(Patience, CancellationToken.None);
        await outer.DisposeAsync();
        await Command.TryRunAsync(["find", cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
    }

    private string[] Inside(string[] arguments) =>
        ["nsenter", "--target", first, "--all", "env", "-i", "--chdir=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", .. arguments];

    private static async Task<string> UntilAsync(Func<Task<string>> ask, Func<string, bool> wanted, Func<string> what, CancellationToken cancel, TimeSpan? patience = null)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        string answer;
        for (; !wanted(answer = await ask()); await Task.Delay(50, cancel))
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < (patience ?? Patience), $"{what()}: {answer}");
        }

        return answer;
    }
}
