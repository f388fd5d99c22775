using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Routes;

/// <summary>MIB_IPFORWARD_ROW2.</summary>
[StructLayout(LayoutKind.Explicit, Size = 104)]
internal struct ForwardRow
{
    [FieldOffset(0)]
    public ulong Luid;

    [FieldOffset(8)]
    public uint Index;

    [FieldOffset(12)]
    public InetName Destination;

    [FieldOffset(40)]
    public byte PrefixLength;

    [FieldOffset(44)]
    public InetName NextHop;

    [FieldOffset(84)]
    public uint Metric;

    [FieldOffset(92)]
    public byte Loopback;
}
