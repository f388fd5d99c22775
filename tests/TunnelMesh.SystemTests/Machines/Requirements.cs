namespace TunnelMesh.SystemTests.Machines;

/// <summary>
/// What a system test needs of its machine. What is missing skips the test with the reason; the test script
/// counts a skip as a failure where CI=true.
/// </summary>
internal static class Requirements
{
    private static readonly TimeSpan Download = TimeSpan.FromMinutes(3);

    public static void Root()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "network namespaces exist on Linux only");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, for network namespaces and TUN devices");
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "needs /dev/net/tun (modprobe tun, or give the container the device)");
    }

    public static void Programs(params ReadOnlySpan<string> names)
    {
        string[] folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        foreach (string name in names)
        {
            Assert.SkipUnless(
                Array.Exists(folders, folder => File.Exists(Path.Combine(folder, name))),
                $"needs the program '{name}' (scripts/setup installs it)");
        }
    }

    /// <summary>Debian packages for a machine with files of its own (<c>BootedMachine</c>), which this machine must not get: a folder with them and what they need.</summary>
    public static async Task<string> PackagesAsync(CancellationToken cancel, params string[] names)
    {
        Programs("apt-get", "dpkg", "chroot");
        Dictionary<string, string> proxies = [];
        foreach (string variable in new[] { "HTTPS_PROXY", "https_proxy" })
        {
            if (Environment.GetEnvironmentVariable(variable) is { } proxy)
            {
                proxies[variable] = proxy;
            }
        }

        await using RunningProgram script = RunningProgram.Start([Path.Combine(Repository.Root, "scripts", "get-packages"), .. names], proxies);
        int code = await script.WaitForExitAsync(Download, cancel);
        Assert.SkipUnless(code == 0, $"{string.Join(", ", names)} cannot be had here: {script.Output}");
        return (await script.WaitForLineAsync("/packages/", TimeSpan.FromSeconds(5), cancel)).Trim();
    }
}
