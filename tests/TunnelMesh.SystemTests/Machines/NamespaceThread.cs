using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>Runs code of this process inside a machine's namespace: sockets and devices stay where they were made.</summary>
internal static partial class NamespaceThread
{
    private const int NewNetwork = 0x40000000;

    public static T Run<T>(NetworkNamespace machine, Func<T> make)
    {
        T? made = default;
        Exception? failure = null;
        // The namespace belongs to the thread, so the thread must be our own and end afterwards.
        Thread thread = new(() =>
        {
            try
            {
                using SafeFileHandle handle = File.OpenHandle($"/run/netns/{machine.Name}");
                if (SetNamespace(handle, NewNetwork) != 0)
                {
                    throw new IOException($"setns: error {Marshal.GetLastPInvokeError()}");
                }

                made = make();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made! : throw new InvalidOperationException($"could not be made in {machine.Name}: {failure.Message}", failure);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle handle, int type);
}
