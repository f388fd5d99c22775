using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Routes;

/// <summary>MIB_UNICASTIPADDRESS_ROW (netioapi.h), the fields that are used; alike on x86-64 and arm64, as all of these.</summary>
[StructLayout(LayoutKind.Explicit, Size = 80)]
internal struct UnicastRow
{
    [FieldOffset(0)]
    public InetName Address;

    [FieldOffset(32)]
    public ulong Luid;

    [FieldOffset(52)]
    public uint ValidLifetime;

    [FieldOffset(56)]
    public uint PreferredLifetime;

    [FieldOffset(60)]
    public byte OnLinkPrefixLength;

    [FieldOffset(64)]
    public int DadState;
}
