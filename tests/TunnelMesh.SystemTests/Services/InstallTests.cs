using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Services;

/// <summary>`service install` and `uninstall` below a scratch root, and what systemd's own tools say about the unit.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class InstallTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_member_installs_a_unit_that_systemd_finds_sound_and_hardened_and_nobody_else_s_is_touched()
    {
        Requirements.Programs("systemctl", "systemd-analyze");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), nas = await Peer.AddAsync(underlay, "nas", Token, Cancel);
        string root = Path.Combine(underlay.Folder, "root"), unit = Path.Combine(root, "etc/systemd/system/tunnelmesh.service"), secrets = Path.Combine(root, "etc/tunnelmesh/env.conf");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";

        // Who is a member of nothing is told what to do first.
        CommandResult early = await nas.AskAsync(Cancel, "service", "install", "--root", root);
        Assert.Equal(7, early.ExitCode);
        Assert.Contains("Join once", early.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(root));

        await nas.JoinAsync(Cancel, server);
        Assert.Equal(0, await nas.StopAsync(Cancel));
        CommandResult installed = await nas.Machine.TryRunAsync(
            ["env", $"TUNNELMESH_HOME={nas.Home}", $"TUNNELMESH_TOKEN={Token}", "HTTPS_PROXY=http://user:geheim@198.51.100.200:3128", Repository.Binary, "service", "install", "--root", root], Cancel);
        Assert.True(installed.Succeeded, installed.ToString());
        string text = await File.ReadAllTextAsync(unit, Cancel), held = await File.ReadAllTextAsync(secrets, Cancel);
        Assert.Contains($"ExecStart={Repository.Binary} join {server} --context default --name nas\n", text, StringComparison.Ordinal);
        Assert.Contains($"TUNNELMESH_TOKEN={Token}\n", held, StringComparison.Ordinal);
        Assert.Contains("HTTPS_PROXY=http://user:geheim@198.51.100.200:3128\n", held, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(secrets));
        foreach (string secret in new[] { Token, "geheim" })
        {
            Assert.DoesNotContain(secret, text + installed.Output + installed.Errors, StringComparison.Ordinal);
        }

        Assert.Equal("/etc/systemd/system/tunnelmesh.service", new FileInfo(Path.Combine(root, "etc/systemd/system/multi-user.target.wants/tunnelmesh.service")).LinkTarget);
        CommandResult verified = await Command.TryRunAsync(["systemd-analyze", "verify", unit], cancel: Cancel);
        Assert.True(verified.Succeeded && (verified.Output + verified.Errors).Length == 0, verified.ToString());
        CommandResult judged = await Command.TryRunAsync(["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=40", unit], cancel: Cancel);
        Assert.True(judged.Succeeded, judged.ToString());

        // Again changes nothing; what was edited stays without --force; another's stays always.
        Assert.Equal(0, (await nas.AskAsync(Cancel, "service", "install", "--root", root)).ExitCode);
        Assert.Equal(held, await File.ReadAllTextAsync(secrets, Cancel));
        await File.AppendAllTextAsync(unit, "# edited\n", Cancel);
        Assert.Equal(8, (await nas.AskAsync(Cancel, "service", "install", "--root", root)).ExitCode);
        Assert.Equal(text + "# edited\n", await File.ReadAllTextAsync(unit, Cancel));
        Assert.Equal(0, (await nas.AskAsync(Cancel, "service", "install", "--root", root, "--force")).ExitCode);
        Assert.Equal(text, await File.ReadAllTextAsync(unit, Cancel));

        // A second context has a service of its own.
        Assert.Equal(7, (await nas.AskAsync(Cancel, "service", "install", "--root", root, "--context", "work")).ExitCode);
        Assert.Equal(2, (await nas.AskAsync(Cancel, "service", "install", "--root", root, "--context", "../work")).ExitCode);
        string other = Path.Combine(root, "etc/systemd/system/tunnelmesh-work.service");
        await File.WriteAllTextAsync(other, "[Service]\nExecStart=/bin/true\n", Cancel);
        foreach (string[] words in new string[][] { ["install", "--force"], ["uninstall"] })
        {
            CommandResult foreign = await nas.Machine.TryRunAsync(
                ["env", $"TUNNELMESH_HOME={nas.Home}", $"TUNNELMESH_SERVER={server}", $"TUNNELMESH_TOKEN={Token}", Repository.Binary, "service", .. words, "--root", root, "--context", "work"], Cancel);
            Assert.Equal(8, foreign.ExitCode);
            Assert.Contains("was not written by", foreign.Errors, StringComparison.Ordinal);
        }

        Assert.Equal("[Service]\nExecStart=/bin/true\n", await File.ReadAllTextAsync(other, Cancel));
        Assert.False(File.Exists(Path.Combine(root, "etc/tunnelmesh/env-work.conf")));

        CommandResult removed = await nas.AskAsync(Cancel, "service", "uninstall", "--root", root);
        Assert.True(removed.Succeeded, removed.ToString());
        Assert.Contains($"{secrets} stays", removed.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(unit));
        Assert.False(File.Exists(Path.Combine(root, "etc/systemd/system/multi-user.target.wants/tunnelmesh.service")));
        Assert.Contains("nothing to remove", (await nas.AskAsync(Cancel, "service", "uninstall", "--root", root)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_would_fail_at_the_start_is_refused_before_anything_is_written()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer nas = await Peer.AddAsync(underlay, "nas", Token, Cancel);
        string root = Path.Combine(underlay.Folder, "root");
        CommandResult tokenless = await nas.Machine.TryRunAsync(
            ["env", $"TUNNELMESH_HOME={nas.Home}", "TUNNELMESH_SERVER=198.51.100.1:8443", Repository.Binary, "service", "install", "--root", root], Cancel);
        Assert.Equal(3, tokenless.ExitCode);
        Assert.Contains("TUNNELMESH_TOKEN is not set", tokenless.Errors, StringComparison.Ordinal);
        CommandResult user = await nas.AskAsync(Cancel, "service", "install", "--root", root, "--user", "nobody");
        Assert.Equal(2, user.ExitCode);
        Assert.Contains("TUNNELMESH_HOME names another", user.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(root));
        Assert.Equal(2, (await nas.AskAsync(Cancel, "service", "logs", "--lines", "-1")).ExitCode);
    }

    [Theory]
    [InlineData(2, "nobody did", "--user")]
    [InlineData(2, "is that of the system", "--user", "root")]
    [InlineData(2, "There is no user nosuchuser", "--user", "nosuchuser")]
    [InlineData(2, "is no name of a user", "--user", "a:b")]
    [InlineData(3, "does not exist", "--user", "nobody")]
    public async Task A_user_who_cannot_have_a_service_is_refused_with_the_reason(int code, string reason, params string[] user)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        string root = Path.Combine(underlay.Folder, "root");
        CommandResult refused = await Command.TryRunAsync(
            ["env", "--unset=SUDO_USER", "--unset=TUNNELMESH_HOME", "TUNNELMESH_SERVER=198.51.100.1:8443", $"TUNNELMESH_TOKEN={Token}", Repository.Binary, "service", "install", "--root", root, .. user], cancel: Cancel);
        Assert.True(refused.ExitCode == code && refused.Errors.Contains(reason, StringComparison.Ordinal), refused.ToString());
        Assert.False(Directory.Exists(root));
    }

    [Fact]
    public async Task Where_systemd_does_not_run_every_command_says_so()
    {
        Assert.SkipWhen(Directory.Exists("/run/systemd/system"), "systemd runs this machine");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer nas = await Peer.AddAsync(underlay, "nas", Token, Cancel);
        foreach (string verb in new[] { "start", "stop", "restart", "status", "logs" })
        {
            CommandResult result = await nas.AskAsync(Cancel, "service", verb);
            Assert.Equal(7, result.ExitCode);
            Assert.Contains("systemd does not run this system", result.Errors, StringComparison.Ordinal);
        }
    }
}
