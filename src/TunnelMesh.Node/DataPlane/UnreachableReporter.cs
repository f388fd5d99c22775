using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Answers undeliverable packets of this machine with Destination Unreachable, and no faster than a token bucket allows
/// (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f). The answer speaks for the destination that was not reached: Linux
/// drops what comes in from an IPv4 address of its own. Used by one thread at a time.
/// </summary>
internal sealed class UnreachableReporter(TimeProvider time)
{
    private const int Burst = 50;
    private const int PerSecond = 100;

    private double _tokens = Burst;
    private long _filledAt = time.GetTimestamp();

    /// <summary>Builds the answer; false when none may or can be sent.</summary>
    public bool TryReport(IpPacket about, IcmpUnreachableKind kind, Span<byte> output, out int length)
    {
        length = 0;
        long now = time.GetTimestamp();
        _tokens = Math.Min(Burst, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * PerSecond));
        _filledAt = now;
        if (_tokens < 1 || !IcmpUnreachable.TryBuild(about, kind, about.Destination, output, out length))
        {
            return false;
        }

        _tokens--;
        return true;
    }
}
