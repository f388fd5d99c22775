using System.Net;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.Rendezvous;
using TunnelMesh.Node.Nat;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>What peers say of themselves, as a coordinator takes it: only sound words are handed out to others.</summary>
internal static class PeerWordsTarget
{
    private static readonly IPNetwork[] Mesh = [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48")];
    private static readonly EndpointRules Rules = new(Mesh);
    private static readonly JoinChallenge Challenge = new() { Version = 1, Nonce = new byte[32], EphemeralKey = new byte[32], CaCertificates = [[1]], UnixTimeMs = 1 };

    public static FuzzTarget Create() => new("peer-words", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        ControlCodec.Encode(new ControlHello
        {
            Version = 1, OldestVersion = 1, UdpPort = 2223, Endpoints = ["192.0.2.1:2223", "[2001:db8::1]:2223", "10.42.0.1:1"],
            Transports = ["udp", "relay"], ProgramVersion = "1.0", Instance = "i",
        }),
        ControlCodec.Encode(new EndpointsUpdate { UdpPort = 2223, Endpoints = ["192.0.2.1:2223", "127.0.0.1:2223", "[fe80::1%2]:1"] }),
        ControlCodec.Encode(new Meeting { Device = "d", UdpPort = 2223, Endpoints = ["192.0.2.1:2223"], Nat = "easy", Mapped = "192.0.2.1:4000", Seen = "192.0.2.9" }),
        ControlCodec.Encode(new JoinHello
        {
            Version = 1, OldestVersion = 1, Nonce = new byte[32], IdentityKey = new byte[32], DeviceKey = new byte[32],
            TlsKey = new byte[91], Name = "nas", UnixTimeMs = 1_700_000_000_000, Capabilities = ["a"],
        }),
        "{\"type\":\"control_hello\",\"version\":1,\"oldest_version\":1}"u8.ToArray(),
        "{\"type\":\"endpoints\",\"endpoints\":[]}"u8.ToArray(),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        IPAddress seen = IPAddress.Parse("198.51.100.1");
        switch (ControlCodec.Decode(input.Span, out _))
        {
            case ControlHello hello:
                CheckReach(Rules.From(hello, seen));
                break;
            case EndpointsUpdate update:
                CheckReach(Rules.From(update, seen));
                break;
            case Meeting meeting:
                CheckMeeting(Rules.From(meeting, "sender", seen), seen);
                break;
            case JoinHello join:
                Check.That(JoinTranscript.Compute(join, Challenge, new byte[32], renewal: false).Length == 32, "no transcript");
                break;
            default:
                break;
        }
    }

    private static void CheckMeeting(Meeting passed, IPAddress seen)
    {
        CheckReach(new Reachability(passed.Endpoints, null, null, 0));
        Check.That(passed.Device == "sender" && passed.UdpPort == 0 && passed.Seen == seen.ToString(), "somebody else's meeting");
        Check.That(passed.Nat is null || passed.Nat.Length <= EndpointRules.MaxTransportLength, "a NAT that is none");
        NatWord word = NatWord.Of(passed);
        Check.That(!word.HasEndpoint || (word.Mapped.IPv4 == word.Seen && word.Mapped.ToIPEndPoint().Address.Equals(seen)), "an endpoint elsewhere than the sender is");
        Check.That(word.Mapped.IsNone || word.Mapped.IsIPv4, "an endpoint of another family");
    }

    private static void CheckReach(Reachability reach)
    {
        Check.That(reach.Endpoints.Count <= EndpointRules.MaxEndpoints && reach.Endpoints.Distinct().Count() == reach.Endpoints.Count, "too many endpoints");
        foreach (string text in reach.Endpoints)
        {
            Check.That(IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && endpoint.Port != 0 && endpoint.ToString() == text, "an endpoint that is none");
            Check.That(!IPAddress.IsLoopback(endpoint!.Address) && !Mesh.Any(m => m.Contains(endpoint.Address)), "an endpoint nobody may dial");
        }
        Check.That(reach.Transports is null || (reach.Transports.Count <= EndpointRules.MaxTransports && reach.Transports.All(t => t.Length <= EndpointRules.MaxTransportLength)), "a transport that is none");
        Check.That(reach.ProgramVersion is null || (reach.ProgramVersion.Length <= EndpointRules.MaxVersionLength && PlainText.IsPlain(reach.ProgramVersion)), "a version that steers terminals");
    }
}
