using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Exit traffic: what enters or leaves the mesh through a peer. The rules of the packet filter are not about it; this is its rule. Only public addresses count: an exit opens the internet, and
/// neither its own network nor itself, by whatever address. Any thread.
/// </summary>
public sealed class ExitTraffic
{
    // RFC 6890 and the registries behind it: this network, private, shared, loopback, link-local, protocol assignments, benchmarking, multicast and reserved. 168.63.129.16 is the host of a machine at
    // Azure, which gives it its secrets. The same behind NAT64.
    private static readonly IPNetwork[] NotPublic = [.. "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/3"
        .Split(' ').Select(p => IPNetwork.Parse(p)).SelectMany(p => (IPNetwork[])[p, new IPNetwork(IPAddress.Parse($"64:ff9b::{p.BaseAddress}"), 96 + p.PrefixLength)])];

    private readonly uint _mesh4, _mask4;
    private readonly UInt128 _mesh6, _mask6;
    private Own _own = new([], []);

    /// <summary>For a device.</summary>
    /// <param name="allowed">Whether others may leave the mesh through this device.</param>
    /// <param name="mesh">The mesh's ranges, one of each family at most; nothing in them is outside.</param>
    public ExitTraffic(bool allowed, IReadOnlyList<IPNetwork> mesh)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        IsAllowed = allowed;
        Holes = [.. mesh, .. NotPublic];
        foreach (IPNetwork range in mesh)
        {
            byte[] bytes = range.BaseAddress.GetAddressBytes();
            if (range.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
            {
                (_mesh4, _mask4) = (BinaryPrimitives.ReadUInt32BigEndian(bytes), range.PrefixLength == 0 ? 0 : uint.MaxValue << (32 - range.PrefixLength));
            }
            else
            {
                (_mesh6, _mask6) = (BinaryPrimitives.ReadUInt128BigEndian(bytes), range.PrefixLength == 0 ? 0 : UInt128.MaxValue << (128 - range.PrefixLength));
            }
        }
    }

    private sealed record Own(uint[] V4, UInt128[] V6);

    /// <summary>Whether others may leave the mesh through this device.</summary>
    public bool IsAllowed { get; }

    /// <summary>This machine's addresses outside of the mesh, which nobody in it reaches: what is for them never gets to the kernel, whatever its rules say at the moment.</summary>
    /// <param name="addresses">All of them.</param>
    public void SetOwn(IReadOnlyCollection<IPAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        Volatile.Write(ref _own, new Own([.. addresses.Where(a => a.AddressFamily == AddressFamily.InterNetwork).Select(a => BinaryPrimitives.ReadUInt32BigEndian(a.GetAddressBytes()))],
            [.. addresses.Where(a => a.AddressFamily == AddressFamily.InterNetworkV6).Select(a => BinaryPrimitives.ReadUInt128BigEndian(a.GetAddressBytes()))]));
    }

    /// <summary>What an exit peer carries beside its own addresses: the internet of both families. Of IPv6 what is assigned (2000::/3), and that of IPv4 behind NAT64.</summary>
    public static IReadOnlyList<IPNetwork> Prefixes { get; } = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("2000::/3"), IPNetwork.Parse("64:ff9b::/96")];

    /// <summary>What of <see cref="Prefixes"/> an exit peer does not carry: the mesh, and what is not public.</summary>
    public IReadOnlyList<IPNetwork> Holes { get; }

    /// <summary>True for an address in the mesh's ranges.</summary>
    /// <param name="address">4 or 16 bytes in network order.</param>
    internal bool IsMesh(ReadOnlySpan<byte> address) => address.Length == 4
        ? _mask4 != 0 && (BinaryPrimitives.ReadUInt32BigEndian(address) & _mask4) == _mesh4
        : _mask6 != 0 && (BinaryPrimitives.ReadUInt128BigEndian(address) & _mask6) == _mesh6;

    /// <summary>The one place where this is decided: whether a packet that came from a peer may leave the mesh through this device.</summary>
    /// <param name="tunnel">The peer it came from; its source is the peer's.</param>
    /// <param name="packet">The packet, whose destination is not an address of this device.</param>
    internal bool Allows(PeerTunnel tunnel, in IpPacket packet) => IsAllowed && !tunnel.Spec.Exit && !IsMesh(packet.Destination) && IsPublic(packet.Destination) && !IsOwn(packet.Destination);

    private bool IsOwn(ReadOnlySpan<byte> address)
    {
        Own own = Volatile.Read(ref _own);
        return address.Length == 4 ? own.V4.AsSpan().Contains(BinaryPrimitives.ReadUInt32BigEndian(address)) : own.V6.AsSpan().Contains(BinaryPrimitives.ReadUInt128BigEndian(address));
    }

    /// <summary>True for a packet that this device passes on to a peer for somebody outside: it begins no flow of this device.</summary>
    /// <param name="packet">From the TUN.</param>
    internal bool IsForwarded(in IpPacket packet) => IsAllowed && !IsMesh(packet.Source);

    /// <summary>The same as <see cref="Prefixes"/> without what is not public, for each packet.</summary>
    internal static bool IsPublic(ReadOnlySpan<byte> a) => a.Length == 4
        ? a[0] switch
        {
            0 or 10 or 127 or >= 224 => false,
            100 => (a[1] & 0xC0) != 64,
            168 => a[1] != 63 || a[2] != 129 || a[3] != 16,
            169 => a[1] != 254,
            172 => (a[1] & 0xF0) != 16,
            192 => a[1] != 168 && (a[1] != 0 || a[2] != 0),
            198 => (a[1] & 0xFE) != 18,
            _ => true,
        }
        : (a[0] & 0xE0) == 0x20 || (a[..4].SequenceEqual((ReadOnlySpan<byte>)[0, 0x64, 0xFF, 0x9B]) && a[4..12].IndexOfAnyExcept((byte)0) < 0 && IsPublic(a[12..]));
}
