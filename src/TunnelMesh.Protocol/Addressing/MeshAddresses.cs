using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Protocol.Addressing;

/// <summary>How a mesh lays out its IPv4 range and its IPv6 ULA /48 (RFC 4193).</summary>
public static class MeshAddresses
{
    /// <summary>The default IPv4 range.</summary>
    public const string DefaultCidr = "10.42.0.0/16";

    /// <summary>Largest and smallest range a mesh may have, as prefix lengths.</summary>
    public const int MinPrefixLength = 8, MaxPrefixLength = 28;

    /// <summary>Where the IPv4 range of a mesh may lie, for people.</summary>
    public const string PrivateRanges = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10";

    // RFC 1918 and RFC 6598: a range elsewhere would take addresses of the internet away from whoever joins.
    private static readonly IPNetwork[] Private =
        [new(new IPAddress([10, 0, 0, 0]), 8), new(new IPAddress([172, 16, 0, 0]), 12), new(new IPAddress([192, 168, 0, 0]), 16), new(new IPAddress([100, 64, 0, 0]), 10)];

    /// <summary>A new 40-bit mesh ID: 10 lower-case hex digits.</summary>
    public static string NewMeshId(Action<Span<byte>> random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> id = stackalloc byte[5];
        random(id);
        return Convert.ToHexStringLower(id);
    }

    /// <summary>True for 10 hex digits.</summary>
    public static bool IsMeshId(string? text) => text is { Length: 10 } && text.All(char.IsAsciiHexDigit);

    /// <summary>The /48 of a mesh: fd, then the 40 bits of its ID.</summary>
    /// <exception cref="FormatException">Not 10 hex digits.</exception>
    public static IPNetwork Ula(string meshId)
    {
        if (!IsMeshId(meshId))
        {
            throw new FormatException("a mesh ID has 10 hexadecimal digits");
        }
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        bytes[0] = 0xfd;
        Convert.FromHexString(meshId).CopyTo(bytes[1..]);
        return new IPNetwork(new IPAddress(bytes), 48);
    }

    /// <summary>The IPv6 address that goes with a mesh IPv4 address: the /48, subnet 0, low 32 bits = the IPv4 address.</summary>
    /// <exception cref="ArgumentException"><paramref name="ula"/> is no IPv6 /48 or <paramref name="v4"/> no IPv4 address.</exception>
    public static IPAddress ToIPv6(IPNetwork ula, IPAddress v4)
    {
        ArgumentNullException.ThrowIfNull(v4);
        Span<byte> bytes = stackalloc byte[16];
        if (v4.AddressFamily != AddressFamily.InterNetwork || ula.PrefixLength != 48 ||
            !ula.BaseAddress.TryWriteBytes(bytes, out int written) || written != 16)
        {
            throw new ArgumentException("an IPv6 /48 and an IPv4 address are needed");
        }
        v4.TryWriteBytes(bytes[12..], out _);
        return new IPAddress(bytes);
    }

    /// <summary>Parses the IPv4 range of a mesh: private addresses only. The error is for people.</summary>
    public static bool TryParseCidr(string? text, out IPNetwork cidr, out string error)
    {
        error = "";
        if (!IPNetwork.TryParse(text, out cidr) || cidr.BaseAddress.AddressFamily != AddressFamily.InterNetwork)
        {
            error = $"'{text}' is not an IPv4 range; write the network's first address and its length, for example {DefaultCidr}";
        }
        else if (cidr.PrefixLength is < MinPrefixLength or > MaxPrefixLength)
        {
            error = string.Create(CultureInfo.InvariantCulture,
                $"'{text}' does not fit a mesh; its length must be between /{MinPrefixLength} and /{MaxPrefixLength}, for example {DefaultCidr}");
        }
        else if (!IsPrivate(cidr))
        {
            error = $"'{text}' does not fit a mesh; it must lie within {PrivateRanges}, for example {DefaultCidr}";
        }
        return error.Length == 0;
    }

    /// <summary>Addresses of devices: for a /16 .0.1 to .99.255; in other sizes the same 100 of 256 parts, never the network address.</summary>
    /// <exception cref="ArgumentException">Not an IPv4 range between /8 and /28.</exception>
    public static AddressRange DeviceRange(IPNetwork cidr)
    {
        (uint first, uint size) = Split(cidr);
        return new AddressRange(first + 1, first + (uint)((ulong)size * 100 / 256) - 1);
    }

    /// <summary>Addresses of WireGuard clients: for a /16 .100.1 to .255.254; never the broadcast address.</summary>
    /// <exception cref="ArgumentException">Not an IPv4 range between /8 and /28.</exception>
    public static AddressRange WireGuardRange(IPNetwork cidr)
    {
        (uint first, uint size) = Split(cidr);
        return new AddressRange(first + (uint)((ulong)size * 100 / 256) + 1, first + size - 2);
    }

    private static bool IsPrivate(IPNetwork cidr)
    {
        foreach (IPNetwork range in Private)
        {
            if (cidr.PrefixLength >= range.PrefixLength && range.Contains(cidr.BaseAddress))
            {
                return true;
            }
        }
        return false;
    }

    private static (uint First, uint Size) Split(IPNetwork cidr)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!cidr.BaseAddress.TryWriteBytes(bytes, out int written) || written != 4 || cidr.PrefixLength is < MinPrefixLength or > MaxPrefixLength)
        {
            throw new ArgumentException("an IPv4 range between /8 and /28 is needed", nameof(cidr));
        }
        return (BinaryPrimitives.ReadUInt32BigEndian(bytes), 1u << (32 - cidr.PrefixLength));
    }
}
