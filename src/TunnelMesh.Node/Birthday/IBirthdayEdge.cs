using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.Birthday;

/// <summary>What <see cref="PeerBirthday"/> does to the world, for one peer. On the thread of the peer's lane.</summary>
internal interface IBirthdayEdge
{
    /// <summary>Sends a small probe sealed by the session.</summary>
    void Probe(in PathAddress to);

    /// <summary>Asks the peer over the path in use to look for this device's ports.</summary>
    void Call();

    /// <summary>Has the coordinator tell the peer anew where this device is, and how its NAT is.</summary>
    void Meet();

    /// <summary>Opens a socket beside the tunnel's port.</summary>
    /// <returns>Its number; 0 when there is none to be had.</returns>
    ushort Open();

    /// <summary>Closes a socket and forgets the paths over it.</summary>
    void Close(ushort socket);

    /// <summary>When the peer was last heard over a socket, a timestamp; <see cref="PeerPath.Never"/> for never.</summary>
    long HeardAt(ushort socket);

    /// <summary>Fills a span with cryptographic randomness.</summary>
    void Random(Span<byte> bytes);
}
