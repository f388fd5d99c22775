using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Routes;

/// <summary>Asks sysctl for the routing table.</summary>
internal static unsafe class MacOSRoutes
{
    // CTL_NET, PF_ROUTE, 0, every family, NET_RT_DUMP, 0.
    private static ReadOnlySpan<int> Name => [4, MacOSNative.AfRoute, 0, 0, 1, 0];

    // The table may have grown between the question for its size and that for itself.
    private const int Tries = 5;

    public static IReadOnlyList<LocalRoute> List()
    {
        byte[] table = ReadTable(out int length);
        return RouteMessage.ReadTable(table.AsSpan(0, length), UnixNative.InterfaceName);
    }

    /// <summary>The table as the system writes it.</summary>
    /// <param name="length">How many of the bytes are the table.</param>
    /// <exception cref="IOException">The system refused.</exception>
    public static byte[] ReadTable(out int length)
    {
        int errno = 0;
        fixed (int* name = Name)
        {
            for (int i = 0; i < Tries; i++)
            {
                nuint bytes;
                if (MacOSNative.SysCtl(name, (uint)Name.Length, null, &bytes, null, 0) == 0)
                {
                    byte[] table = new byte[bytes + bytes / 8 + 1024];
                    bytes = (nuint)table.Length;
                    fixed (byte* p = table)
                    {
                        if (MacOSNative.SysCtl(name, (uint)Name.Length, p, &bytes, null, 0) == 0)
                        {
                            length = (int)bytes;
                            return table;
                        }
                    }
                }

                errno = Marshal.GetLastPInvokeError();
            }
        }

        throw new IOException($"The routes of this machine could not be listed: {UnixNative.Describe(errno)}.");
    }
}
