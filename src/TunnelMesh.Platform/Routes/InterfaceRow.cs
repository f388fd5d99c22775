using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Routes;

/// <summary>MIB_IPINTERFACE_ROW.</summary>
[StructLayout(LayoutKind.Explicit, Size = 168)]
internal struct InterfaceRow
{
    [FieldOffset(0)]
    public ushort Family;

    [FieldOffset(8)]
    public ulong Luid;

    [FieldOffset(46)]
    public byte ManagedAddressConfigurationSupported;

    [FieldOffset(47)]
    public byte OtherStatefulConfigurationSupported;

    [FieldOffset(52)]
    public int RouterDiscoveryBehavior;

    [FieldOffset(56)]
    public uint DadTransmits;

    [FieldOffset(144)]
    public uint SitePrefixLength;

    [FieldOffset(148)]
    public uint Metric;

    [FieldOffset(152)]
    public uint Mtu;

    [FieldOffset(156)]
    public byte Connected;
}
