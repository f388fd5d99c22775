using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Answers undeliverable packets of this machine with Destination Unreachable, and no faster than a token bucket allows
/// (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f). The answer speaks for the destination that was not reached: Linux
/// drops what comes in from an IPv4 address of its own. Used by one thread at a time.
/// </summary>
internal sealed class UnreachableReporter(TimeProvider time, InsideAddresses own, ITunnelOutput output)
{
    private const int Burst = 50;
    private const int PerSecond = 100;

    private readonly byte[] _message = new byte[IcmpUnreachable.MaxLengthV6];
    private double _tokens = Burst;
    private long _filledAt = time.GetTimestamp();

    /// <summary>Writes the answer to this machine, if one may be sent.</summary>
    /// <param name="packet">The undeliverable packet; only read.</param>
    /// <param name="kind">Why.</param>
    public void Report(ReadOnlySpan<byte> packet, IcmpUnreachableKind kind)
    {
        if (IpPacket.TryParse(packet, out IpPacket about))
        {
            Report(about, kind);
        }
    }

    /// <summary>Writes the answer to this machine, if one may be sent.</summary>
    /// <param name="packet">The undeliverable packet; only read.</param>
    /// <param name="kind">Why.</param>
    /// <param name="mtu">The largest packet in bytes that goes through, when this one is too big.</param>
    public void Report(IpPacket packet, IcmpUnreachableKind kind, int mtu = 0)
    {
        long now = time.GetTimestamp();
        _tokens = Math.Min(Burst, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * PerSecond));
        _filledAt = now;
        if (_tokens < 1 || own.IsBroadcast(packet.Destination) || !IcmpUnreachable.TryBuild(packet, kind, packet.Destination, _message, out int length, mtu))
        {
            return;
        }

        _tokens--;
        output.WritePacket(_message.AsSpan(0, length));
    }
}
