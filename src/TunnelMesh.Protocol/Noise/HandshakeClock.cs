namespace TunnelMesh.Protocol.Noise;

/// <summary>Durations of the protocol (whitepaper, section 6.1), and their conversion to timestamps of a provider.</summary>
public static class HandshakeClock
{
    /// <summary>The initiator begins a new handshake at this age of a session.</summary>
    public static readonly TimeSpan RekeyAfter = TimeSpan.FromSeconds(120);
    /// <summary>A session older than this neither seals nor opens.</summary>
    public static readonly TimeSpan RejectAfter = TimeSpan.FromSeconds(180);
    /// <summary>A handshake without an answer is repeated after this time plus jitter.</summary>
    public static readonly TimeSpan RekeyTimeout = TimeSpan.FromSeconds(5);
    /// <summary>Handshakes without an answer are given up after this time.</summary>
    public static readonly TimeSpan RekeyAttempt = TimeSpan.FromSeconds(90);
    /// <summary>A silent receiver of data answers with a keepalive after this time.</summary>
    public static readonly TimeSpan Keepalive = TimeSpan.FromSeconds(10);
    /// <summary>Lifetime of a cookie and of the secret behind it.</summary>
    public static readonly TimeSpan CookieLifetime = TimeSpan.FromSeconds(120);

    /// <summary>The timestamp a duration after another one.</summary>
    public static long After(this TimeProvider time, long timestamp, TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(time);
        return timestamp + (long)(duration.TotalSeconds * time.TimestampFrequency);
    }
}
