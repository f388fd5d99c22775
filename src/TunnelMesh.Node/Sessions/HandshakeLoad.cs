namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Tells when handshakes come in faster than this device wants to compute them, so that cookies are asked for (WireGuard paper,
/// section 5.3). Load lasts for a second after the last excess, as in wireguard-go. Not thread-safe.
/// </summary>
internal sealed class HandshakeLoad(TimeProvider time, int perSecond)
{
    private double _tokens = perSecond;
    private long _filledAt = time.GetTimestamp();
    private long _until = long.MinValue;

    /// <summary>Counts one handshake message and tells whether the device is under load.</summary>
    public bool Note(long now)
    {
        _tokens = Math.Min(perSecond, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * perSecond));
        _filledAt = now;
        if (_tokens < 1)
        {
            _until = now + time.TimestampFrequency;
        }
        else
        {
            _tokens--;
        }

        return now < _until;
    }
}
