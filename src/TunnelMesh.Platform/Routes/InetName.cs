using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Routes;

/// <summary>SOCKADDR_INET (ws2ipdef.h), without a port.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct InetName
{
    /// <summary>Bytes of it.</summary>
    public const int Bytes = 28;

    [FieldOffset(0)]
    public ushort Family;

    [FieldOffset(4)]
    public fixed byte V4[4];

    [FieldOffset(8)]
    public fixed byte V6[16];

    [FieldOffset(24)]
    public uint Scope;

    /// <summary>The address, or null for an unknown family.</summary>
    public readonly IPAddress? Address
    {
        get
        {
            fixed (byte* v4 = V4, v6 = V6)
            {
                return Family switch
                {
                    UnixNative.AfInet => new IPAddress(new ReadOnlySpan<byte>(v4, 4)),
                    WindowsNative.AfInet6 => new IPAddress(new ReadOnlySpan<byte>(v6, 16)),
                    _ => null,
                };
            }
        }
    }

    public static InetName Of(IPAddress address)
    {
        InetName name = default;
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        name.Family = FamilyOf(address.AddressFamily);
        address.TryWriteBytes(v6 ? new Span<byte>(name.V6, 16) : new Span<byte>(name.V4, 4), out _);
        return name;
    }

    /// <summary>The system's number of a family.</summary>
    public static ushort FamilyOf(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? (ushort)WindowsNative.AfInet6 : (ushort)UnixNative.AfInet;
}
