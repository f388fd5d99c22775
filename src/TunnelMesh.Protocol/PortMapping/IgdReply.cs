using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>What a UPnP gateway answers to an <see cref="IgdAction"/>. Pure.</summary>
/// <param name="ErrorCode">0, or the UPnP error (WANIPConnection:2 section 2.5.22).</param>
/// <param name="ReservedPort">Of AddAnyPortMapping: the port outside; else 0.</param>
/// <param name="ExternalAddress">Of GetExternalIPAddress: an IPv4 address; else null.</param>
public sealed record IgdReply(int ErrorCode, int ReservedPort, IPAddress? ExternalAddress)
{
    /// <summary>ConflictInMappingEntry: the port is another's.</summary>
    public const int Conflict = 718;
    /// <summary>OnlyPermanentLeasesSupported.</summary>
    public const int OnlyPermanent = 725;
    /// <summary>ConflictWithOtherMechanisms: the port is taken by PCP or NAT-PMP.</summary>
    public const int OtherMechanism = 729;

    /// <summary>Reads an answer.</summary>
    /// <param name="document">The body as received.</param>
    /// <param name="reply">What it says.</param>
    /// <returns>False when it is no SOAP answer.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> document, out IgdReply? reply)
    {
        int error = 0, port = 0;
        bool envelope = false, fault = false;
        IPAddress? address = null;
        bool read = GatewayXml.TryRead(document, (name, text) =>
        {
            switch (name)
            {
                case "errorCode":
                    error = Number(text, 999);
                    break;
                case "NewReservedPort":
                    port = Number(text, ushort.MaxValue);
                    break;
                case "NewExternalIPAddress":
                    address = IPAddress.TryParse(text, out IPAddress? parsed) && parsed.AddressFamily == AddressFamily.InterNetwork ? parsed : null;
                    break;
                case "Fault":
                    fault = true;
                    break;
                case "Envelope":
                    envelope = true;
                    break;
            }
        });
        // A fault without a code is still none of what was asked for.
        reply = read && envelope ? new IgdReply(fault && error == 0 ? 501 : error, port, address) : null;
        return reply is not null;
    }

    private static int Number(string? text, int most) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= most ? value : 0;
}
