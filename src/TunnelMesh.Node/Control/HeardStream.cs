using System.Net.Sockets;

namespace TunnelMesh.Node.Control;

/// <summary>The bytes of a TCP connection, and when the last of them came: answers to a WebSocket's own heartbeat, too, which the framework shows nobody. One reader; <see cref="Silence"/> for any thread.</summary>
/// <param name="socket">Connected; it is closed with this.</param>
internal sealed class HeardStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    // Milliseconds of the clock that the framework's heartbeat goes by.
    private long _heardAt = Environment.TickCount64;

    /// <summary>How long ago something came.</summary>
    public TimeSpan Silence => TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref _heardAt));

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (count > 0)
        {
            Volatile.Write(ref _heardAt, Environment.TickCount64);
        }

        return count;
    }
}
