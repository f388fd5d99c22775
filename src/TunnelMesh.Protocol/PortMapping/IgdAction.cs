using System.Globalization;
using System.Net;
using System.Text;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>What a UPnP gateway is asked (WANIPConnection:2 sections 2.5.16 to 2.5.20): the SOAP action and its body. Pure.</summary>
/// <param name="Header">Value of the SOAPAction header.</param>
/// <param name="Body">The XML.</param>
public sealed record IgdAction(string Header, string Body)
{
    private const string Description = "TunnelMesh";

    /// <summary>AddPortMapping: this port outside, or none.</summary>
    /// <param name="service">Whom to ask.</param>
    /// <param name="client">Our address.</param>
    /// <param name="internalPort">Our port.</param>
    /// <param name="externalPort">The port outside.</param>
    /// <param name="leaseSeconds">How long it shall stay; 0 for ever.</param>
    public static IgdAction AddPortMapping(IgdService service, IPAddress client, int internalPort, int externalPort, uint leaseSeconds) =>
        Of(service, nameof(AddPortMapping), Mapping(client, internalPort, externalPort, leaseSeconds));

    /// <summary>AddAnyPortMapping: this port outside, or another that is free.</summary>
    /// <inheritdoc cref="AddPortMapping"/>
    public static IgdAction AddAnyPortMapping(IgdService service, IPAddress client, int internalPort, int externalPort, uint leaseSeconds) =>
        Of(service, nameof(AddAnyPortMapping), Mapping(client, internalPort, externalPort, leaseSeconds));

    /// <summary>DeletePortMapping.</summary>
    /// <param name="service">Whom to ask.</param>
    /// <param name="externalPort">The port outside.</param>
    public static IgdAction DeletePortMapping(IgdService service, int externalPort) =>
        Of(service, nameof(DeletePortMapping), [("NewRemoteHost", ""), ("NewExternalPort", Number(externalPort)), ("NewProtocol", "UDP")]);

    /// <summary>GetExternalIPAddress.</summary>
    /// <param name="service">Whom to ask.</param>
    public static IgdAction GetExternalIPAddress(IgdService service) => Of(service, nameof(GetExternalIPAddress), []);

    private static (string, string)[] Mapping(IPAddress client, int internalPort, int externalPort, uint leaseSeconds) =>
    [
        ("NewRemoteHost", ""), ("NewExternalPort", Number(externalPort)), ("NewProtocol", "UDP"), ("NewInternalPort", Number(internalPort)),
        ("NewInternalClient", client.ToString()), ("NewEnabled", "1"), ("NewPortMappingDescription", Description), ("NewLeaseDuration", Number(leaseSeconds)),
    ];

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    // The type comes from a fixed list and the values are ours, so nothing needs escaping.
    private static IgdAction Of(IgdService service, string action, ReadOnlySpan<(string Name, string Value)> arguments)
    {
        StringBuilder body = new();
        body.Append("<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>");
        body.Append(CultureInfo.InvariantCulture, $"<u:{action} xmlns:u=\"{service.Type}\">");
        foreach ((string name, string value) in arguments)
        {
            body.Append(CultureInfo.InvariantCulture, $"<{name}>{value}</{name}>");
        }

        body.Append(CultureInfo.InvariantCulture, $"</u:{action}></s:Body></s:Envelope>\r\n");
        return new IgdAction($"\"{service.Type}#{action}\"", body.ToString());
    }
}
