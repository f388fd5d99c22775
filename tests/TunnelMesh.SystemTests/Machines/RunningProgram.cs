using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>A program that runs beside the test until the test ends it. Its output is kept line by line.</summary>
internal sealed partial class RunningProgram : IAsyncDisposable
{
    private const int SigTerm = 15;
    private readonly Process process;
    private readonly string name;
    private readonly Lock gate = new();
    private readonly List<string> lines = [];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RunningProgram(Process process, string name)
    {
        this.process = process;
        this.name = name;
    }

    public int ProcessId => process.Id;

    public string Output
    {
        get
        {
            lock (gate)
            {
                return string.Join('\n', lines);
            }
        }
    }

    public static RunningProgram Start(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(arguments[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (string argument in arguments.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        // The proxies of this machine are out of reach from the networks of the tests.
        start.Environment.Remove("HTTPS_PROXY");
        start.Environment.Remove("https_proxy");
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        Process process = new() { StartInfo = start };
        RunningProgram program = new(process, string.Join(' ', arguments));
        process.OutputDataReceived += (_, line) => program.Add(line.Data);
        process.ErrorDataReceived += (_, line) => program.Add(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return program;
    }

    /// <summary>Waits for a line that contains <paramref name="text"/>; fails with the whole output when none comes.</summary>
    public async Task<string> WaitForLineAsync(string text, TimeSpan limit, CancellationToken cancel)
    {
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timer.CancelAfter(limit);
        Task ended = process.WaitForExitAsync(timer.Token);
        while (true)
        {
            // Before looking: output that was written just before the end still counts.
            bool over = ended.IsCompleted;
            Task change;
            lock (gate)
            {
                if (lines.Find(line => line.Contains(text, StringComparison.Ordinal)) is { } found)
                {
                    return found;
                }

                change = changed.Task;
            }

            if (over)
            {
                string reason = timer.IsCancellationRequested ? $"not within {limit.TotalSeconds} s" : $"it ended with code {process.ExitCode}";
                throw new InvalidOperationException($"'{name}' did not print '{text}': {reason}. Its output:\n{Output}");
            }

            await Task.WhenAny(change, ended);
        }
    }

    /// <summary>Asks the program to end (SIGTERM) and waits for it; its exit code.</summary>
    public async Task<int> TerminateAsync(TimeSpan limit, CancellationToken cancel)
    {
        _ = Kill(process.Id, SigTerm);
        return await WaitForExitAsync(limit, cancel);
    }

    public async Task<int> WaitForExitAsync(TimeSpan limit, CancellationToken cancel)
    {
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timer.CancelAfter(limit);
        try
        {
            await process.WaitForExitAsync(timer.Token);
            return process.ExitCode;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"'{name}' did not end within {limit.TotalSeconds} s. Its output:\n{Output}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            try
            {
                // What it has started may go on and hold its output open, until the machine that it is in ends.
                await process.WaitForExitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
            }
            catch (TimeoutException)
            {
            }
        }

        process.Dispose();
    }

    private void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (gate)
        {
            lines.Add(line);
            changed.TrySetResult();
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
