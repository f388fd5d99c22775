using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Processes;

/// <summary>Takes secrets out of the environment of this process.</summary>
public static unsafe partial class SecretEnvironment
{
    /// <summary>
    /// Reads a variable and erases it: no child process inherits it, and on Linux it is overwritten in the block that
    /// /proc/PID/environ shows. To be called before threads are started that read the environment through libc.
    /// </summary>
    /// <param name="name">Name of the variable.</param>
    /// <returns>The value, or null when it is not set or empty.</returns>
    public static string? Take(string name)
    {
        string? value = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, null);
        if (OperatingSystem.IsLinux())
        {
            // The block the kernel made at exec is the process's own memory, writable for this purpose (environ(7)).
            byte* native = GetEnv(name);
            if (native is not null)
            {
                new Span<byte>(native, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(native).Length).Clear();
            }

            _ = UnsetEnv(name);
        }

        return string.IsNullOrEmpty(value) ? null : value;
    }

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial byte* GetEnv(string name);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnsetEnv(string name);
}
