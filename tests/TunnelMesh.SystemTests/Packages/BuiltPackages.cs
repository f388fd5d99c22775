using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Packages;

[assembly: AssemblyFixture(typeof(BuiltPackages))]

namespace TunnelMesh.SystemTests.Packages;

/// <summary>
/// Packages that scripts/package has made for all tests, of the program under test. One that is a file of its own, the native one, is packed as it is; in place of one that needs others beside it stands
/// a script that finds it. Programs for other systems are stand-ins: nothing of them is run here.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class BuiltPackages : IAsyncLifetime
{
    /// <summary>The time in them: 2026-01-01.</summary>
    public const string Epoch = "1767225600";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tm-packages-");
    private readonly SemaphoreSlim one = new(1);
    private bool made;

    private string Release => Path.Combine(folder.FullName, "release");

    /// <summary>Where the first ones are.</summary>
    public string First => Path.Combine(folder.FullName, "first");

    /// <summary>The same with revision 2, for an upgrade.</summary>
    public string Second => Path.Combine(folder.FullName, "second");

    /// <summary>True when the program in them is the whole one, not a script that finds it.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Makes them, once.</summary>
    public async Task MakeAsync(CancellationToken cancel)
    {
        Requirements.Programs("dpkg-deb", "rpmbuild", "zip", "gzip", "readelf");
        Assert.SkipUnless(System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.X64, "needs x64: the release has one program that runs here");
        await one.WaitAsync(cancel);
        try
        {
            if (made)
            {
                return;
            }
            Directory.CreateDirectory(Release);
            string program = Path.Combine(Release, "tunnelmesh-linux-x64");
            if (File.Exists(Path.ChangeExtension(Repository.Binary, ".dll")))
            {
                await File.WriteAllTextAsync(program, $"#!/bin/sh\n[ ! -x /opt/tm/tunnelmesh ] || exec /opt/tm/tunnelmesh \"$@\"\nexec {Repository.Binary} \"$@\"\n", cancel);
                File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
            }
            else
            {
                File.Copy(Repository.Binary, program, overwrite: true);
                IsWhole = true;
            }
            foreach (string other in new[] { "linux-arm64", "osx-arm64", "osx-x64", "win-x64.exe" })
            {
                await File.WriteAllTextAsync(Path.Combine(Release, $"tunnelmesh-{other}"), $"stands for {other}\n", cancel);
            }
            await PackAsync(First, 1, cancel);
            await PackAsync(Second, 2, cancel);
            made = true;
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>Makes packages of the release.</summary>
    /// <param name="output">Folder for them.</param>
    /// <param name="revision">Their revision.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task PackAsync(string output, int revision, CancellationToken cancel)
    {
        await using RunningProgram script = RunningProgram.Start([Path.Combine(Repository.Root, "scripts", "package"), Release, output], new Dictionary<string, string>
        {
            ["SOURCE_DATE_EPOCH"] = Epoch,
            ["PACKAGE_REVISION"] = $"{revision}",
            // How small they are is nothing that a test waits for.
            ["PACKAGE_LEVEL"] = "0",
            ["RELEASE_URL"] = "https://releases.example.org/v1",
            ["PACKAGE_HOMEPAGE"] = "https://example.org/",
        });
        int code = await script.WaitForExitAsync(TimeSpan.FromMinutes(3), cancel);
        Assert.True(code == 0, script.Output);
    }

    /// <summary>The SHA-256 of a program of the release.</summary>
    /// <param name="target">Its target.</param>
    public string Sum(string target) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(Release, $"tunnelmesh-{target}"))));

    /// <inheritdoc/>
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        one.Dispose();
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
