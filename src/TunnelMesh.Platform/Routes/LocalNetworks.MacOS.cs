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
        int errno = 0;
        fixed (int* name = Name)
        {
            for (int i = 0; i < Tries; i++)
            {
                nuint length;
                if (MacOSNative.SysCtl(name, (uint)Name.Length, null, &length, null, 0) == 0)
                {
                    byte[] table = new byte[length + length / 8 + 1024];
                    length = (nuint)table.Length;
                    fixed (byte* p = table)
                    {
                        if (MacOSNative.SysCtl(name, (uint)Name.Length, p, &length, null, 0) == 0)
                        {
                            return RouteMessage.ReadTable(table.AsSpan(0, (int)length), UnixNative.InterfaceName);
                        }
                    }
                }

                errno = Marshal.GetLastPInvokeError();
            }
        }

        throw new IOException($"The routes of this machine could not be listed: {UnixNative.Describe(errno)}.");
    }
}
