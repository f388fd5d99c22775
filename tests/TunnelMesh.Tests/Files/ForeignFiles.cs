using System.Diagnostics;

namespace TunnelMesh.Tests.Files;

/// <summary>What a user may put in place of a file.</summary>
internal static class ForeignFiles
{
    /// <summary>Makes a pipe with a name (mkfifo(1)).</summary>
    public static void MakePipe(string path) => Run("mkfifo", path);

    /// <summary>Gives a file to a user who is not this one; skips the test where this one may not.</summary>
    public static void GiveAway(string path)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "only root gives files away");
        Run("chown", "4711", path);
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
