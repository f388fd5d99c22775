using System.Net;

namespace TunnelMesh.Node.Nat;

/// <summary>One protocol towards one family's gateway; keeps what binds its mappings together. One task at a time.</summary>
internal interface IMappingMethod
{
    /// <summary>Which.</summary>
    PortMappingMethod Method { get; }

    /// <summary>Makes or renews the mapping.</summary>
    /// <param name="wish">What is wanted.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The gateway cannot be asked this way.</exception>
    Task<MappingAttempt> MapAsync(MappingWish wish, CancellationToken cancel);

    /// <summary>Gives the mapping back; asks once or twice and does not insist.</summary>
    /// <inheritdoc cref="MapAsync"/>
    Task UnmapAsync(MappingWish wish, CancellationToken cancel);

    /// <summary>Takes an announcement of the gateway's.</summary>
    /// <param name="datagram">What it sent to all.</param>
    /// <returns>True when it says that the gateway has lost our mapping.</returns>
    bool IsRestart(ReadOnlySpan<byte> datagram);

    /// <summary>There is another gateway: nothing that was learnt of the last one holds.</summary>
    void Forget();
}
