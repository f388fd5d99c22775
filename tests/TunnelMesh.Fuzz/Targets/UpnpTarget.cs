using System.Text;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>UPnP: answers to a search, descriptions and replies. Nothing throws, and nobody is sent to another host.</summary>
internal static class UpnpTarget
{
    private static readonly Uri Location = new("http://192.168.7.1:5000/rootDesc.xml");

    public static FuzzTarget Create() => new("upnp", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nST: {SsdpMessage.Target}\r\nLOCATION: {Location}\r\nUSN: uuid:1\r\n\r\n"),
        """
        <?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>
        <controlURL>/ctl</controlURL></service></serviceList></device></root>
        """u8.ToArray(),
        """
        <!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><r>&b;</r>
        """u8.ToArray(),
        """
        <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:R xmlns:u="u"><NewExternalIPAddress>203.0.113.5</NewExternalIPAddress><NewReservedPort>4000</NewReservedPort></u:R></s:Body></s:Envelope>
        """u8.ToArray(),
        """
        <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><detail><errorCode>718</errorCode></detail></s:Fault></s:Body></s:Envelope>
        """u8.ToArray(),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        Check.That(SsdpMessage.TryReadResponse(input.Span, out Uri? location) == location is not null, "an answer without an address");
        Check.That(location is null || location is { Scheme: "http", UserInfo: "", HostNameType: UriHostNameType.IPv4 or UriHostNameType.IPv6 }, "an address of another kind");
        Check.That(IgdDescription.TryRead(input, Location, out IReadOnlyList<IgdService> services) == services.Count > 0, "a description without a service");
        Check.That(services.All(s => s.Control.Host == Location.Host && s.Control.Scheme == "http"), "a service on another host");
        if (IgdReply.TryRead(input, out IgdReply? reply))
        {
            Check.That(reply is { ErrorCode: >= 0 and <= ushort.MaxValue, ReservedPort: >= 0 and <= ushort.MaxValue }, "a number out of range");
        }
    }
}
