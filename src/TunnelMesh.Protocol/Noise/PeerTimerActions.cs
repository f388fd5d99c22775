namespace TunnelMesh.Protocol.Noise;

/// <summary>What a peer's timers ask for.</summary>
[Flags]
public enum PeerTimerActions
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Call <see cref="WireGuardDevice.TryBeginHandshake"/> and send the bytes.</summary>
    SendInitiation = 1,
    /// <summary>Seal an empty packet with the current keys, send it and note it as sent.</summary>
    SendKeepalive = 2,
    /// <summary>No answer for 90 s: drop the queue and answer unreachable. The next packet may start anew.</summary>
    GiveUp = 4,
    /// <summary>All keys of the peer have been zeroed.</summary>
    Expire = 8,
}
