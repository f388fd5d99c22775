namespace TunnelMesh.Protocol.PortMapping;

/// <summary>Follows the seconds that a gateway has kept its state, and so notices that it has lost it (RFC 6887 section 8.5, RFC 6886 section 3.6). One thread at a time.</summary>
public sealed class GatewayEpoch
{
    private uint? _server;
    private TimeSpan _client;

    /// <summary>Takes the epoch of a message.</summary>
    /// <param name="epoch">Seconds, as told.</param>
    /// <param name="now">When it came, on a clock that never goes back.</param>
    /// <returns>True when the gateway must have started anew since the last one: all mappings made before are gone.</returns>
    public bool IsLost(uint epoch, TimeSpan now)
    {
        bool lost = false;
        if (_server is { } before)
        {
            // Both clocks count whole seconds, and may run apart by a sixteenth.
            double client = (now - _client).TotalSeconds, server = (double)epoch - before;
            lost = server < -1 || (server >= 0 && (client + 2 < server - server / 16 || server + 2 < client - client / 16));
        }

        (_server, _client) = (epoch, now);
        return lost;
    }

    /// <summary>Forgets all: there is another gateway.</summary>
    public void Clear() => _server = null;
}
