using System.Net;
using System.Text;
using System.Xml.Linq;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Tests.ProtocolPortMapping;

public class IgdTests
{
    private static readonly Uri Location = new("http://192.168.7.1:5000/rootDesc.xml");
    private static readonly IgdService Service = new("urn:schemas-upnp-org:service:WANIPConnection:1", new Uri("http://192.168.7.1:5000/ctl"));

    private static byte[] Xml(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Description(params (string Type, string Control)[] services) => Xml(
        $"<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><deviceList><device><serviceList>{string.Concat(services.Select(s =>
            $"<service><serviceType>{s.Type}</serviceType><controlURL>{s.Control}</controlURL><SCPDURL>/x.xml</SCPDURL></service>"))}</serviceList></device></deviceList></device></root>");

    private static string Answer(string status = "200 OK", string target = "urn:schemas-upnp-org:device:InternetGatewayDevice:1", string location = "http://192.168.7.1:5000/rootDesc.xml") =>
        $"HTTP/1.1 {status}\r\nCACHE-CONTROL: max-age=120\r\nst: {target}\r\nUSN: uuid:1\r\nEXT:\r\nLocation:{location}\r\n\r\n";

    [Fact]
    public void A_search_says_what_is_searched()
    {
        string search = Encoding.ASCII.GetString(SsdpMessage.Search());
        Assert.StartsWith("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n", search, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", search, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gateways_answer_tells_where_it_is_described()
    {
        Assert.True(SsdpMessage.TryReadResponse(Xml(Answer()), out Uri? location));
        Assert.Equal(Location, location);
        Assert.True(SsdpMessage.TryReadResponse(Xml(Answer(target: "urn:schemas-upnp-org:device:InternetGatewayDevice:2")), out _));
    }

    [Theory]
    [InlineData("404 Not Found", null, null)]
    [InlineData(null, "urn:schemas-upnp-org:device:MediaServer:1", null)]
    [InlineData(null, null, "https://192.168.7.1/x")]
    [InlineData(null, null, "http://router.example/x")]
    [InlineData(null, null, "http://user@192.168.7.1/x")]
    [InlineData(null, null, "file:///etc/passwd")]
    [InlineData(null, null, "/rootDesc.xml")]
    public void Another_answer_and_another_kind_of_address_are_refused(string? status, string? target, string? location)
    {
        string text = Answer(status ?? "200 OK", target ?? "urn:schemas-upnp-org:device:InternetGatewayDevice:1", location ?? Location.ToString());
        Assert.False(SsdpMessage.TryReadResponse(Xml(text), out Uri? found));
        Assert.Null(found);
    }

    [Fact]
    public void The_services_that_map_ports_are_found_best_first_on_the_same_host_only()
    {
        Assert.True(IgdDescription.TryRead(Description(
            ("urn:schemas-upnp-org:service:WANPPPConnection:1", "ppp"), ("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/l3"),
            ("urn:schemas-upnp-org:service:WANIPConnection:1", "/ctl/IPConn"), ("urn:schemas-upnp-org:service:WANIPConnection:1", "http://192.168.7.9/ctl"),
            ("urn:schemas-upnp-org:service:WANIPConnection:2", "http://192.168.7.1:7000/v2")), Location, out IReadOnlyList<IgdService> services));
        Assert.Equal(["http://192.168.7.1:7000/v2", "http://192.168.7.1:5000/ctl/IPConn", "http://192.168.7.1:5000/ppp"], services.Select(s => s.Control.ToString()));
        Assert.Equal([true, false, false], services.Select(s => s.ChoosesPort));
        Assert.False(IgdDescription.TryRead(Description(("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/l3")), Location, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no xml")]
    [InlineData("<root><device></root>")]
    [InlineData("<!DOCTYPE r [<!ENTITY a \"b\">]><r><service><serviceType>&a;</serviceType></service></r>")]
    [InlineData("<!DOCTYPE r SYSTEM \"http://192.168.7.1/x.dtd\"><r/>")]
    public void What_is_no_plain_XML_is_refused(string text)
    {
        Assert.False(IgdDescription.TryRead(Xml(text), Location, out _));
        Assert.False(IgdReply.TryRead(Xml(text), out _));
    }

    [Fact]
    public void Limits_hold()
    {
        const string Envelope = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">";
        Assert.True(IgdReply.TryRead(Xml(Envelope + "<a></a></s:Envelope>"), out _));
        Assert.False(IgdReply.TryRead(Xml(Envelope + string.Concat(Enumerable.Repeat("<a>", 40)) + string.Concat(Enumerable.Repeat("</a>", 40)) + "</s:Envelope>"), out _));
        Assert.False(IgdReply.TryRead(Xml(Envelope + string.Concat(Enumerable.Repeat("<a/>", 3000)) + "</s:Envelope>"), out _));
        Assert.False(IgdReply.TryRead(Xml(Envelope + "<a>" + new string('x', 2000) + "</a></s:Envelope>"), out _));
        Assert.False(IgdReply.TryRead(Xml(Envelope + new string(' ', 70_000) + "</s:Envelope>"), out _));
    }

    [Fact]
    public void An_action_is_well_formed_and_says_what_is_wanted()
    {
        IgdAction action = IgdAction.AddPortMapping(Service, IPAddress.Parse("192.168.7.2"), 2223, 4000, 3600);
        Assert.Equal("\"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"", action.Header);
        XElement body = XDocument.Parse(action.Body).Root!.Elements().Single().Elements().Single();
        Assert.Equal("{urn:schemas-upnp-org:service:WANIPConnection:1}AddPortMapping", body.Name);
        Assert.Equal(
            ["NewRemoteHost=", "NewExternalPort=4000", "NewProtocol=UDP", "NewInternalPort=2223", "NewInternalClient=192.168.7.2", "NewEnabled=1", "NewPortMappingDescription=TunnelMesh", "NewLeaseDuration=3600"],
            body.Elements().Select(e => $"{e.Name}={e.Value}"));
        Assert.Equal(
            ["NewRemoteHost=", "NewExternalPort=4000", "NewProtocol=UDP"],
            XDocument.Parse(IgdAction.DeletePortMapping(Service, 4000).Body).Root!.Elements().Single().Elements().Single().Elements().Select(e => $"{e.Name}={e.Value}"));
    }

    [Theory]
    [InlineData("<u:GetExternalIPAddressResponse xmlns:u=\"u\"><NewExternalIPAddress> 203.0.113.5 </NewExternalIPAddress></u:GetExternalIPAddressResponse>", 0, 0, "203.0.113.5")]
    [InlineData("<u:GetExternalIPAddressResponse xmlns:u=\"u\"><NewExternalIPAddress></NewExternalIPAddress></u:GetExternalIPAddressResponse>", 0, 0, null)]
    [InlineData("<u:GetExternalIPAddressResponse xmlns:u=\"u\"><NewExternalIPAddress>::1</NewExternalIPAddress></u:GetExternalIPAddressResponse>", 0, 0, null)]
    [InlineData("<u:AddAnyPortMappingResponse xmlns:u=\"u\"><NewReservedPort>4001</NewReservedPort></u:AddAnyPortMappingResponse>", 0, 4001, null)]
    [InlineData("<u:AddAnyPortMappingResponse xmlns:u=\"u\"><NewReservedPort>-1</NewReservedPort></u:AddAnyPortMappingResponse>", 0, 0, null)]
    [InlineData("<s:Fault><detail><UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>718</errorCode></UPnPError></detail></s:Fault>", 718, 0, null)]
    [InlineData("<s:Fault><faultcode>s:Client</faultcode></s:Fault>", 501, 0, null)]
    public void A_reply_is_read(string body, int error, int port, string? address)
    {
        Assert.True(IgdReply.TryRead(Xml($"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}</s:Body></s:Envelope>"), out IgdReply? reply));
        Assert.Equal(new IgdReply(error, port, address is null ? null : IPAddress.Parse(address)), reply);
    }
}
