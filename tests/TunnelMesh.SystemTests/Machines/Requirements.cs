namespace TunnelMesh.SystemTests.Machines;

/// <summary>
/// What a system test needs of its machine. What is missing skips the test with the reason; the test script
/// counts a skip as a failure where CI=true.
/// </summary>
internal static class Requirements
{
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
}
