using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Processes;

/// <summary>A line that a person types at the terminal of a program that goes on meanwhile.</summary>
public static partial class TerminalLine
{
    private const int StandardInput = 0, MaxBytes = 4096;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>True when there is a person to ask: standard input and standard error are a terminal.</summary>
    public static bool CanAsk => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>
    /// Waits for a line. The terminal is only read while this program is in its foreground and a line is there: else the system would stop the whole
    /// program (SIGTTIN), and with it whatever else it does.
    /// </summary>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The line without its end; null when the terminal is gone.</returns>
    public static async Task<string?> ReadAsync(CancellationToken cancel)
    {
        if (OperatingSystem.IsWindows())
        {
            return await Task.Run(Console.ReadLine, CancellationToken.None).WaitAsync(cancel).ConfigureAwait(false);
        }
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            if (GetForegroundGroup(StandardInput) == GetGroup() && IsReadable())
            {
                return Read();
            }
            await Task.Delay(Look, cancel).ConfigureAwait(false);
        }
    }

    private static unsafe bool IsReadable()
    {
        UnixNative.PollFd wanted = new() { Fd = StandardInput, Events = UnixNative.PollIn };
        return UnixNative.Poll(&wanted, 1, 0) > 0;
    }

    private static unsafe string? Read()
    {
        byte* buffer = stackalloc byte[MaxBytes];
        using SafeFileHandle input = new(StandardInput, ownsHandle: false);
        nint length = UnixNative.Read(input, buffer, MaxBytes);
        return length <= 0 ? null : Encoding.UTF8.GetString(buffer, (int)length).TrimEnd('\n', '\r');
    }

    [LibraryImport("libc", EntryPoint = "tcgetpgrp", SetLastError = true)]
    private static partial int GetForegroundGroup(int terminal);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    private static partial int GetGroup();
}
