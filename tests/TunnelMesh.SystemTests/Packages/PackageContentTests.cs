using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Packages;

/// <summary>What is in the packages, and what they say of themselves.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PackageContentTests(BuiltPackages packages)
{
    // What both kinds of package have, where it is the same for both.
    private static readonly string[] Common =
    [
        "/usr/bin/tunnelmesh", "/usr/lib/systemd/system/tunnelmesh.service", "/usr/share/bash-completion/completions/tunnelmesh", "/usr/share/fish/vendor_completions.d/tunnelmesh.fish",
        "/usr/share/man/man1/tunnelmesh.1.gz", "/usr/share/man/man1/tunnelmesh-service-install.1.gz", "/usr/share/doc/tunnelmesh/copyright", "/usr/share/doc/tunnelmesh/getting-started.md",
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_release_gives_the_same_bytes_again()
    {
        await packages.MakeAsync(Cancel);
        string again = packages.First + "-again";
        await packages.PackAsync(again, 1, Cancel);
        string[] names = [.. Directory.GetFiles(packages.First).Select(f => Path.GetFileName(f)).Order()];
        Assert.Equal(6, names.Length);
        Assert.All(names, n => Assert.True(File.ReadAllBytes(Path.Combine(packages.First, n)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(again, n))), n));
    }

    [Theory]
    [InlineData("amd64")]
    [InlineData("arm64")]
    public async Task A_deb_has_its_files_for_root_and_declares_what_it_needs(string architecture)
    {
        await packages.MakeAsync(Cancel);
        string deb = Directory.GetFiles(packages.First, $"tunnelmesh_*-1_{architecture}.deb").Single();
        string list = await Command.RunAsync(["dpkg-deb", "--contents", deb], cancel: Cancel);
        string[] lines = list.Split('\n'), files = [.. lines.Select(l => l[(l.IndexOf("./", StringComparison.Ordinal) + 1)..])];
        Assert.All(Common.Append("/usr/share/zsh/vendor-completions/_tunnelmesh"), f => Assert.Contains(f, files));
        Assert.All(lines, l => Assert.Contains("root/root", l, StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("drwx------", StringComparison.Ordinal) && l.EndsWith(" ./var/lib/tunnelmesh/", StringComparison.Ordinal));
        // Nothing that would be asked about at an upgrade, and no secret's place.
        Assert.DoesNotContain(files, f => f.StartsWith("/etc/", StringComparison.Ordinal) && !f.EndsWith('/'));
        Assert.Contains("libssl3", await Command.RunAsync(["dpkg-deb", "--field", deb, "Depends"], cancel: Cancel), StringComparison.Ordinal);
        Assert.Equal(architecture, await Command.RunAsync(["dpkg-deb", "--field", deb, "Architecture"], cancel: Cancel));
        if (architecture == "amd64")
        {
            // A program that is whole says which C library it was linked with, a script does not.
            Assert.Equal(packages.IsWhole, (await Command.RunAsync(["dpkg-deb", "--field", deb, "Depends"], cancel: Cancel)).StartsWith("libc6 (>= 2.", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("x86_64")]
    [InlineData("aarch64")]
    public async Task An_rpm_has_its_files_for_root_and_declares_what_it_needs(string architecture)
    {
        await packages.MakeAsync(Cancel);
        string rpm = Directory.GetFiles(packages.First, $"tunnelmesh-*-1.{architecture}.rpm").Single();
        string[] files = await QueryAsync(rpm, "--list"), needs = await QueryAsync(rpm, "--requires"), owners = await QueryAsync(rpm, "--queryformat", "[%{FILEUSERNAME}:%{FILEGROUPNAME}\\n]");
        Assert.All(Common.Append("/usr/share/zsh/site-functions/_tunnelmesh"), f => Assert.Contains(f, files));
        Assert.Contains("libssl.so.3()(64bit)", needs);
        Assert.Contains("libcrypto.so.3()(64bit)", needs);
        Assert.All(owners.Where(o => o.Length > 0), o => Assert.Equal("root:root", o));
        Assert.Equal([architecture], await QueryAsync(rpm, "--queryformat", "%{ARCH}"));
        Assert.Contains("/usr/share/doc/tunnelmesh", files);
        // What they share is in each script as it is, percent signs too.
        string scripts = string.Join('\n', await QueryAsync(rpm, "--scripts")), shared = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "packages", "services.sh"), Cancel);
        Assert.Equal(4, scripts.Split(shared.Trim()).Length);
        Assert.DoesNotContain('@', string.Concat((await QueryAsync(rpm, "--scripts")).Where(l => !l.Contains("$@", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task The_scripts_of_the_packages_are_sound_and_the_completions_load()
    {
        await packages.MakeAsync(Cancel);
        string root = packages.First + "-root";
        Directory.CreateDirectory(root);
        await Command.RunAsync(["dpkg-deb", "--raw-extract", Directory.GetFiles(packages.First, "*_amd64.deb").Single(), root], cancel: Cancel);
        foreach (string script in new[] { "preinst", "postinst", "prerm", "postrm" })
        {
            await Command.RunAsync(["sh", "-n", Path.Combine(root, "DEBIAN", script)], cancel: Cancel);
        }
        string shared = Path.Combine(root, "usr/share");
        await Command.RunAsync(["bash", "-c", "set -e; . \"$0\"; complete -p tunnelmesh", Path.Combine(shared, "bash-completion/completions/tunnelmesh")], cancel: Cancel);
        Assert.StartsWith("#compdef tunnelmesh\n", await File.ReadAllTextAsync(Path.Combine(shared, "zsh/vendor-completions/_tunnelmesh"), Cancel), StringComparison.Ordinal);
        await Command.RunAsync(["sh", "-c", "cd \"$0\" && md5sum --quiet --check DEBIAN/md5sums", root], cancel: Cancel);
    }

    [Fact]
    public async Task Lintian_has_nothing_against_the_deb()
    {
        Requirements.Programs("lintian");
        await packages.MakeAsync(Cancel);
        CommandResult result = await Command.TryRunAsync(
            ["lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", "bogus-mail-host-in-debian-changelog,bogus-mail-host", Directory.GetFiles(packages.First, "*_amd64.deb").Single()], cancel: Cancel);
        Assert.True(result.Succeeded, result.ToString());
    }

    [Fact]
    public async Task The_formula_names_the_programs_of_the_release_and_the_zip_file_has_what_Windows_needs()
    {
        await packages.MakeAsync(Cancel);
        string formula = await File.ReadAllTextAsync(Path.Combine(packages.First, "tunnelmesh.rb"), Cancel);
        foreach (string target in new[] { "osx-arm64", "osx-x64", "linux-arm64", "linux-x64" })
        {
            Assert.Contains($"url \"https://releases.example.org/v1/tunnelmesh-{target}\"\n      sha256 \"{packages.Sum(target)}\"\n", formula, StringComparison.Ordinal);
        }
        Assert.DoesNotContain('@', formula.Replace("openssl@3", "", StringComparison.Ordinal));
        using System.IO.Compression.ZipArchive zip = await System.IO.Compression.ZipFile.OpenReadAsync(Directory.GetFiles(packages.First, "*.zip").Single(), Cancel);
        Assert.Equal(["LICENSE.txt", "README.txt", "completion.ps1", "tunnelmesh.exe"], zip.Entries.Select(e => e.Name).Order(StringComparer.Ordinal));
    }

    private static async Task<string[]> QueryAsync(string rpm, params string[] what) =>
        (await Command.RunAsync(["rpm", "--query", "--package", "--nosignature", .. what, rpm], cancel: Cancel)).Split('\n');
}
