using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>NAT-PMP: no datagram is two answers, and a good one is whole.</summary>
internal static class NatPmpTarget
{
    public static FuzzTarget Create() => new("nat-pmp", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        Convert.FromHexString("0080000000000007cb007105"), Convert.FromHexString("0080000300000007"),
        Convert.FromHexString("008100000000000708af0fa000000e10"), Convert.FromHexString("0081000200000007"),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        bool isAddress = NatPmpMessage.TryReadAddress(input.Span, out NatPmpAddress address), isMapping = NatPmpMessage.TryReadMap(input.Span, out NatPmpMapping mapping);
        Check.That(!isAddress || !isMapping, "two answers in one");
        Check.That(!isAddress || address.Result != 0 == address.Address is null, "an address with an error, or none without");
        Check.That(!isMapping || mapping.Result == 0 || mapping is { ExternalPort: 0, LifetimeSeconds: 0 }, "a mapping with an error");
    }
}
