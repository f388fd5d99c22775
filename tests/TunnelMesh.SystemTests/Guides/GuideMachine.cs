using System.Text.RegularExpressions;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Services;

namespace TunnelMesh.SystemTests.Guides;

/// <summary>A machine with systemd on which somebody follows a guide, in one terminal: what is exported stays exported.</summary>
internal sealed partial class GuideMachine : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly BootedMachine booted;
    private readonly string name;
    private RunningProgram? background;

    private GuideMachine(BootedMachine booted, string name)
    {
        this.booted = booted;
        this.name = name;
    }

    /// <param name="underlay">Where.</param>
    /// <param name="name">Its host name.</param>
    /// <param name="network">Its network.</param>
    /// <param name="hosts">Lines of /etc/hosts.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<GuideMachine> StartAsync(Underlay underlay, string name, NetworkNamespace network, string hosts, CancellationToken cancel)
    {
        BootedMachine booted = await BootedMachine.StartAsync(underlay, network, cancel);
        GuideMachine machine = new(booted, name);
        await booted.RunAsync(cancel, "sh", "-c", $"printf '%s\\n' '127.0.0.1 localhost {name}' '{hosts}' > /etc/hosts; echo {name} > /proc/sys/kernel/hostname; ln -sf {BootedMachine.Program} /usr/local/bin/tunnelmesh");
        return machine;
    }

    /// <summary>Does what a block says; what it printed.</summary>
    public async Task<string> FollowAsync(GuideBlock block, CancellationToken cancel)
    {
        if (block.Interrupt)
        {
            await booted.RunAsync(cancel, "sh", "-c", "kill -INT -$(cat /run/guide.pid)");
            Assert.Equal(0, await background!.WaitForExitAsync(Patience, cancel));
            await background.DisposeAsync();
            background = null;
            return "";
        }
        if (block.Background)
        {
            background = booted.Start(Shell($"echo $$ > /run/guide.pid\n{block.Text}"));
            return await background.WaitForLineAsync("Connected to mesh as", Patience, cancel);
        }
        CommandResult result = await booted.TryRunAsync(cancel, Shell(block.Text));
        Assert.True(result.ExitCode == block.Code, $"line {block.Line}, on {name}:\n{block.Text}\n{result}");
        return result.Output + result.Errors;
    }

    /// <summary>The newest token in what was printed, or null.</summary>
    public static string? TokenIn(string output) => TokenText().Matches(output).LastOrDefault()?.Value;

    /// <summary>What sha256sum printed of its input, or null.</summary>
    public static string? SumIn(string output) => SumText().Matches(output).LastOrDefault()?.Value;

    public async ValueTask DisposeAsync()
    {
        await booted.DisposeAsync();
        if (background is not null)
        {
            await background.DisposeAsync();
        }
    }

    // A session of its own, so that Ctrl-C reaches the program and nobody else.
    private static string[] Shell(string text) =>
        ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "setsid", "--wait", "bash", "-c", $"cd /root\n[ ! -e /run/guide.env ] || . /run/guide.env\nset -e\n{text}\nexport -p > /run/guide.env"];

    [GeneratedRegex(@"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f]|  -)")]
    private static partial Regex TokenText();

    [GeneratedRegex(@"(?<![0-9a-f])[0-9a-f]{64}(?=  -)")]
    private static partial Regex SumText();
}
