using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Nat;

/// <summary>
/// What a peer has said of its NAT, beside the address at which the coordinator sees it, which it could not choose. Only that address may be sent many datagrams to: a peer
/// that names a stranger's makes nobody send there.
/// </summary>
/// <param name="Kind">Its own word.</param>
/// <param name="Mapped">Its endpoint outside an easy NAT, its own word too; IPv4, or empty.</param>
/// <param name="Seen">The coordinator's word: the public IPv4 address of its control stream; 0 for none.</param>
public sealed record NatWord(NatKind Kind, UdpEndpoint Mapped, uint Seen)
{
    /// <summary>The names on the wire.</summary>
    public const string Easy = "easy", Hard = "hard";

    /// <summary>Nothing was said.</summary>
    public static NatWord None { get; } = new(NatKind.Unknown, default, 0);

    /// <summary>True when its one endpoint is known, and is where the coordinator sees it.</summary>
    public bool HasEndpoint => Kind == NatKind.Easy && !Mapped.IsNone && Mapped.IPv4 == Seen;

    /// <summary>True when its address is known, and only the port has to be found.</summary>
    public bool HidesPort => Kind == NatKind.Hard && Seen != 0;

    /// <summary>Reads a meeting, of which any field may be missing or bad.</summary>
    /// <param name="meeting">As the coordinator passed it on.</param>
    public static NatWord Of(Meeting meeting)
    {
        ArgumentNullException.ThrowIfNull(meeting);
        NatKind kind = meeting.Nat switch { Easy => NatKind.Easy, Hard => NatKind.Hard, _ => NatKind.Unknown };
        UdpEndpoint mapped = meeting.Mapped is { Length: <= 64 } text && IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && IsPublicIPv4(endpoint) ? UdpEndpoint.From(endpoint) : default;
        bool seen = IPAddress.TryParse(meeting.Seen, out IPAddress? address) && IsPublicIPv4(new IPEndPoint(address, 1));
        return new NatWord(kind, mapped, seen ? UdpEndpoint.From(new IPEndPoint(address!, 1)).IPv4 : 0);
    }

    private static bool IsPublicIPv4(IPEndPoint endpoint) =>
        endpoint.AddressFamily == AddressFamily.InterNetwork && ExternalAddress.IsSound(endpoint) && ExternalAddress.IsPublic(endpoint.Address);
}
