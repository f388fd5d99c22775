using System.Net;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network;

/// <summary>An address without a port.</summary>
internal readonly record struct NetAddress(ulong High, ulong Low)
{
    public bool IsIPv4 => At(1).IsIPv4;

    public static NetAddress Parse(string text) => Of(UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(text), 1)));

    public static NetAddress Of(in UdpEndpoint endpoint) => new(endpoint.High, endpoint.Low);

    public UdpEndpoint At(ushort port) => new(High, Low, port, 0);

    public override string ToString() => At(1).ToIPEndPoint().Address.ToString();
}
