using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Routes;

/// <summary>
/// Addresses of this machine by getifaddrs(3). A running peer looks every few seconds, and the framework's own list reads routes, resolvers and
/// DHCP leases of every interface for it: 70 KB of garbage and half a millisecond each time.
/// </summary>
internal static unsafe class LinuxAddresses
{
    private const uint Up = 0x1, Loopback = 0x8, Running = 0x40;

    /// <summary>Addresses of interfaces that work, loopback and <paramref name="ownInterface"/> left out; in the kernel's order, IPv4 first.</summary>
    /// <exception cref="NetworkInformationException">The system gave no list.</exception>
    public static IReadOnlyList<IPAddress> List(string? ownInterface) =>
        Collect((flags, name) => (flags & (Up | Running | Loopback)) == (Up | Running) && (ownInterface is null || Marshal.PtrToStringUTF8(name) != ownInterface));

    /// <summary>Addresses of all interfaces, whether they work or not.</summary>
    /// <exception cref="NetworkInformationException">The system gave no list.</exception>
    public static IReadOnlyList<IPAddress> All() => Collect((_, _) => true);

    private static List<IPAddress> Collect(Func<uint, nint, bool> wanted)
    {
        LinuxNative.IfAddrs* all;
        if (LinuxNative.GetIfAddrs(&all) != 0)
        {
            throw new NetworkInformationException(Marshal.GetLastPInvokeError());
        }

        try
        {
            var result = new List<IPAddress>();
            for (LinuxNative.IfAddrs* entry = all; entry != null; entry = entry->Next)
            {
                if (entry->Address != null && wanted(entry->Flags, (nint)entry->Name) && Read(entry->Address) is { } address)
                {
                    result.Add(address);
                }
            }

            return result;
        }
        finally
        {
            LinuxNative.FreeIfAddrs(all);
        }
    }

    // sockaddr_in and sockaddr_in6.
    private static IPAddress? Read(byte* address) => *(ushort*)address switch
    {
        UnixNative.AfInet => new IPAddress(new ReadOnlySpan<byte>(address + 4, 4)),
        LinuxNative.AfInet6 => new IPAddress(new ReadOnlySpan<byte>(address + 8, 16), *(uint*)(address + 24)),
        _ => null,
    };
}
