namespace TunnelMesh.Protocol.Relay;

/// <summary>What a message on a relay stream is; the values of the first five are those on the wire.</summary>
public enum RelayFrameKind : byte
{
    /// <summary>Datagrams for a device, or from one.</summary>
    Datagrams = 1,

    /// <summary>A number that must come back.</summary>
    Ping = 2,

    /// <summary>The number of a ping.</summary>
    Pong = 3,

    /// <summary>The device has no stream, so what was meant for it is lost. Sent by a coordinator only.</summary>
    NotHere = 4,

    /// <summary>A device that was <see cref="NotHere"/> has a stream now. Sent by a coordinator only.</summary>
    Here = 5,

    /// <summary>Of this version, but of a kind that is not known: to be ignored.</summary>
    Unknown = 0xfd,

    /// <summary>Its lengths do not fit together: to be dropped and counted.</summary>
    Damaged = 0xfe,

    /// <summary>Of another version: the stream is of no use.</summary>
    OtherVersion = 0xff,
}
