namespace TunnelMesh.Protocol.Control;

/// <summary>
/// The control protocol between a peer and a coordinator: JSON text messages on WebSockets over TLS 1.3.
/// Every message is an object with a string <c>type</c>; unknown fields are ignored, an unknown type is answered with
/// <see cref="ErrorMessage"/> code <see cref="ControlErrorCodes.UnknownType"/>.
/// <para>Changes: 1 (2026-11): join, renew, control.</para>
/// </summary>
public static class ControlProtocol
{
    /// <summary>The version this build speaks. A coordinator serves this one and the one before it.</summary>
    public const int Version = 1;

    /// <summary>The oldest version this build understands.</summary>
    public const int OldestVersion = 1;

    /// <summary>WebSocket path of the mutual proof that admits a device with a token.</summary>
    public const string JoinPath = "/api/v1/join";

    /// <summary>WebSocket path by which a known device gets a new certificate with its keys alone.</summary>
    public const string RenewPath = "/api/v1/renew";

    /// <summary>WebSocket path of the control stream; needs a client certificate of the mesh.</summary>
    public const string ControlPath = "/api/v1/control";

    /// <summary>WebSocket path of the relay; needs a client certificate of the mesh. Its messages: <see cref="Relay.RelayFrame"/>.</summary>
    public const string RelayPath = "/api/v1/relay";

    /// <summary>Open HTTP path that answers <see cref="VersionDocument"/>.</summary>
    public const string VersionPath = "/api/v1/version";

    /// <summary>Open HTTP path that answers 200 while the coordinator works.</summary>
    public const string HealthPath = "/health";

    /// <summary>Largest message, in bytes, that a coordinator takes from a peer.</summary>
    public const int MaxPeerMessageBytes = 64 * 1024;

    /// <summary>Largest message, in bytes, that a coordinator takes while a join or renewal is proved: ten times what there is to say, since strangers may hold one open on each of thousands of connections.</summary>
    public const int MaxStrangerMessageBytes = 8 * 1024;

    /// <summary>Largest message, in bytes after decompression, that a peer takes while a join or renewal is proved.</summary>
    public const int MaxProofMessageBytes = 64 * 1024;

    /// <summary>Largest message, in bytes after decompression, that a peer takes from a coordinator.</summary>
    public const int MaxCoordinatorMessageBytes = 64 * 1024 * 1024;
}
