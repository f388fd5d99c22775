namespace TunnelMesh.Platform.Tun;

/// <summary>How macOS is told about interfaces and routes. Methods return 0 or the errno.</summary>
internal interface IMacOSNetwork
{
    /// <summary>An ioctl on a socket of a family.</summary>
    /// <param name="family">AF_INET or AF_INET6.</param>
    /// <param name="request">The number of the request.</param>
    /// <param name="argument">Its argument; the system may write into it.</param>
    int Control(int family, uint request, Span<byte> argument);

    /// <summary>Hands a message to the routing socket.</summary>
    int Route(ReadOnlySpan<byte> message);
}
