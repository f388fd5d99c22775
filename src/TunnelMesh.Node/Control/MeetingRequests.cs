using System.Threading.Channels;

namespace TunnelMesh.Node.Control;

/// <summary>
/// Requests to meet on their way to the coordinator: each device once at a time, and no more often than a stream may send messages. What has no room is lost; whoever still
/// wants it asks again. Any thread asks, one loop sends.
/// </summary>
/// <param name="time">Spaces them.</param>
public sealed class MeetingRequests(TimeProvider time)
{
    /// <summary>Devices that wait at most.</summary>
    public const int MaxWaiting = 256;

    /// <summary>Requests sent at once after a pause, and between two later. Below what a coordinator takes of one stream, of which other messages need a share.</summary>
    public const int Burst = 30;

    /// <inheritdoc cref="Burst"/>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);

    private readonly Channel<string> _queue = Channel.CreateBounded<string>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly HashSet<string> _waiting = [];

    /// <summary>Asks for a meeting. Returns at once.</summary>
    /// <param name="deviceId">With which device.</param>
    public void Ask(string deviceId)
    {
        lock (_waiting)
        {
            if (_waiting.Count >= MaxWaiting || !_waiting.Add(deviceId))
            {
                return;
            }
        }

        _queue.Writer.TryWrite(deviceId);
    }

    /// <summary>Sends what is asked for until it is cancelled.</summary>
    /// <param name="send">Sends one request; must not throw.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task RunAsync(Func<string, CancellationToken, Task> send, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(send);
        double tokens = Burst;
        long filledAt = time.GetTimestamp();
        try
        {
            await foreach (string device in _queue.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                long now = time.GetTimestamp();
                tokens = Math.Min(Burst, tokens + (time.GetElapsedTime(filledAt, now) / Interval));
                filledAt = now;
                if (tokens < 1)
                {
                    await Task.Delay(Interval * (1 - tokens), time, cancel).ConfigureAwait(false);
                }

                tokens--;
                lock (_waiting)
                {
                    _waiting.Remove(device);
                }

                await send(device, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Stopped.
        }
    }
}
