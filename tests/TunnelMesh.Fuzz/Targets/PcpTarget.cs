using System.Net;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>PCP: what is read as a response is one, whole.</summary>
internal static class PcpTarget
{
    public static FuzzTarget Create() => new("pcp", Seeds(), Run);

    private static byte[][] Seeds()
    {
        byte[] request = new byte[PcpMessage.MapSize];
        PcpMessage.WriteMap(request, new PcpMapRequest(IPAddress.Parse("192.168.7.2"), new PcpNonce(1, 2), 2223, 2223, null, 3600));
        byte[] response = [.. request];
        response[1] |= 0x80;
        return [request, response, Convert.FromHexString("028000000000000000000007000000000000000000000000"), Convert.FromHexString("0081000100000007")];
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        bool other = PcpMessage.IsOtherVersion(input.Span);
        if (!PcpMessage.TryReadResponse(input.Span, out PcpResponse? response))
        {
            Check.That(response is null, "something was read of nothing");
            return;
        }

        Check.That(!other && input.Length is >= 24 and <= PcpMessage.MaxSize, "a response of another version or size");
        Check.That(response!.Opcode == PcpOpcode.Announce || (response is { Opcode: PcpOpcode.Map, External: not null } && input.Length >= PcpMessage.MapSize), "a mapping without an endpoint");
    }
}
