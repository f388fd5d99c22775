using System.Net;
using System.Net.Sockets;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Rendezvous;

/// <summary>What of a peer's own words on its reachability is handed out to others. Pure.</summary>
/// <param name="mesh">The mesh's IPv4 and IPv6 ranges: a tunnel's outside is never inside the mesh.</param>
internal sealed class EndpointRules(params IPNetwork[] mesh)
{
    /// <summary>Endpoints handed out for one device at most.</summary>
    internal const int MaxEndpoints = 16;

    /// <summary>Transports handed out for one device at most, and the length of each.</summary>
    internal const int MaxTransports = 8, MaxTransportLength = 16;

    /// <summary>Longest program version, in characters.</summary>
    internal const int MaxVersionLength = 64;

    /// <summary>From a hello and the address it came from.</summary>
    internal Reachability From(ControlHello hello, IPAddress seen) => new(
        Endpoints(hello.Endpoints, hello.UdpPort, seen),
        [.. hello.Transports.Where(IsTransport).Distinct().Take(MaxTransports)],
        IsVersion(hello.ProgramVersion) ? hello.ProgramVersion : null,
        Port(hello.SshPort),
        hello.AllowsExit);

    /// <summary>From an update and the address its stream comes from.</summary>
    internal Reachability From(EndpointsUpdate update, IPAddress seen) => new(Endpoints(update.Endpoints, update.UdpPort, seen), null, null, Port(update.SshPort));

    /// <summary>Where somebody who wants to meet says it is, and where it is seen.</summary>
    /// <param name="meeting">As it was sent.</param>
    /// <param name="sender">Device ID of its sender.</param>
    /// <param name="seen">The address of its stream.</param>
    internal Meeting From(Meeting meeting, string sender, IPAddress seen)
    {
        IPAddress address = seen.IsIPv4MappedToIPv6 ? seen.MapToIPv4() : seen;
        return new Meeting
        {
            Device = sender,
            Endpoints = Endpoints(meeting.Endpoints, meeting.UdpPort, seen),
            Nat = meeting.Nat is { } nat && IsTransport(nat) ? nat : null,
            Mapped = meeting.Mapped is { Length: <= 64 } text && IPEndPoint.TryParse(text, out IPEndPoint? mapped) && mapped.Port != 0 && mapped.AddressFamily == AddressFamily.InterNetwork && IsOutside(mapped.Address)
                ? mapped.ToString() : null,
            Seen = address.AddressFamily == AddressFamily.InterNetwork && IsOutside(address) ? address.ToString() : null,
        };
    }

    private static int Port(int port) => port is > 0 and <= 65535 ? port : 0;

    private List<string> Endpoints(IReadOnlyList<string> own, int udpPort, IPAddress seen)
    {
        List<string> result = [];
        IPAddress address = seen.IsIPv4MappedToIPv6 ? seen.MapToIPv4() : seen;
        string? observed = udpPort is > 0 and <= 65535 && IsOutside(address) ? new IPEndPoint(address, udpPort).ToString() : null;
        foreach (string text in own)
        {
            // The address seen is the one most likely to work from outside, so it always finds room.
            if (result.Count == MaxEndpoints - (observed is null || result.Contains(observed) ? 0 : 1))
            {
                break;
            }
            if (text is { Length: <= 64 } && IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && endpoint.Port != 0 &&
                IsOutside(endpoint.Address) && endpoint.ToString() is string good && !result.Contains(good))
            {
                result.Add(good);
            }
        }
        if (observed is not null && !result.Contains(observed))
        {
            result.Add(observed);
        }
        return result;
    }

    private bool IsOutside(IPAddress address)
    {
        if (IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6Multicast || address.IsIPv4MappedToIPv6 ||
            address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || mesh.Any(range => range.Contains(address)))
        {
            return false;
        }
        if (address.AddressFamily != AddressFamily.InterNetwork)
        {
            return true;
        }
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        // 0/8 (this network), 169.254/16 (link-local), 224/3 (multicast, reserved, broadcast): RFC 6890.
        return bytes[0] != 0 && bytes[0] < 224 && !(bytes[0] == 169 && bytes[1] == 254);
    }

    private static bool IsTransport(string text) =>
        text is { Length: > 0 and <= MaxTransportLength } && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c));

    /// <summary>True for a program version that may be handed out for display.</summary>
    internal static bool IsVersion(string text) => text.Length is > 0 and <= MaxVersionLength && PlainText.IsPlain(text);
}
