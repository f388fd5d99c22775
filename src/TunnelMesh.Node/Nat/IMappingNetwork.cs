using System.Net;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Node.Nat;

/// <summary>The network as port mapping needs it. Failures are <see cref="System.Net.Sockets.SocketException"/>s.</summary>
internal interface IMappingNetwork
{
    /// <summary>A port to the gateway.</summary>
    /// <param name="gateway">Address and port.</param>
    /// <param name="local">The address to send from; null for the system's choice.</param>
    IGatewayPort Connect(IPEndPoint gateway, IPAddress? local);

    /// <summary>Searches for UPnP, and takes answers of the gateway only.</summary>
    /// <param name="gateway">Whose answers count.</param>
    /// <param name="local">The address to send from; null for the system's choice.</param>
    /// <param name="wait">How long to wait for a good one.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Where the gateway is described; null for no answer.</returns>
    Task<Uri?> SearchAsync(IPAddress gateway, IPAddress? local, TimeSpan wait, CancellationToken cancel);

    /// <summary>Asks by HTTP; redirects are not followed.</summary>
    /// <param name="address">An http address by number.</param>
    /// <param name="action">A SOAP action to post; null to get a document.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The body of any answer, at most <see cref="IgdDescription.MaxBytes"/> long; null for a longer or broken one.</returns>
    Task<ReadOnlyMemory<byte>?> RequestAsync(Uri address, IgdAction? action, CancellationToken cancel);

    /// <summary>Listens to what gateways announce by PCP and NAT-PMP, until it is cancelled. Returns at once where the port cannot be had.</summary>
    /// <param name="heard">Told of each datagram and its sender.</param>
    /// <param name="cancel">Ends it.</param>
    Task ListenAsync(Action<ReadOnlyMemory<byte>, IPAddress> heard, CancellationToken cancel);
}
