using System.Net;
using System.Net.Sockets;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Answers undeliverable packets of this machine with Destination Unreachable, spoken by our own mesh address, and no faster
/// than a token bucket allows (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f). Used by one thread at a time.
/// </summary>
internal sealed class UnreachableReporter
{
    private const int Burst = 50;
    private const int PerSecond = 100;

    private readonly byte[]? _own4;
    private readonly byte[]? _own6;
    private readonly TimeProvider _time;
    private double _tokens = Burst;
    private long _filledAt;

    public UnreachableReporter(IEnumerable<IPAddress> ownAddresses, TimeProvider time)
    {
        foreach (IPAddress address in ownAddresses)
        {
            if (address.AddressFamily == AddressFamily.InterNetwork)
            {
                _own4 ??= address.GetAddressBytes();
            }
            else
            {
                _own6 ??= address.GetAddressBytes();
            }
        }

        _time = time;
        _filledAt = time.GetTimestamp();
    }

    /// <summary>Builds the answer; false when none may or can be sent.</summary>
    public bool TryReport(IpPacket about, IcmpUnreachableKind kind, Span<byte> output, out int length)
    {
        length = 0;
        byte[]? own = about.Version == 4 ? _own4 : _own6;
        long now = _time.GetTimestamp();
        _tokens = Math.Min(Burst, _tokens + (_time.GetElapsedTime(_filledAt, now).TotalSeconds * PerSecond));
        _filledAt = now;
        if (own is null || _tokens < 1 || !IcmpUnreachable.TryBuild(about, kind, own, output, out length))
        {
            return false;
        }

        _tokens--;
        return true;
    }
}
