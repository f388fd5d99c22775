using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>UDP sockets of this process that live in a machine's namespace: a socket stays where it was made.</summary>
internal static partial class NamespaceSocket
{
    private const int NewNetwork = 0x40000000;

    /// <summary>A socket bound to an ephemeral port of <paramref name="address"/> inside the machine.</summary>
    public static Socket Bind(NetworkNamespace machine, IPAddress address)
    {
        Socket? socket = null;
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
                socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
                socket.Bind(new IPEndPoint(address, 0));
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? socket! : throw new InvalidOperationException($"no socket in {machine.Name}", failure);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle handle, int type);
}
