using System.Buffers.Binary;
using System.Globalization;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;
using TunnelMesh.Node.Transports.Relay;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>A real relay transport of a device, with waits for what it receives. Datagrams of tests begin with a number.</summary>
internal sealed class RelayPeer : ICarrierSink, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<(UInt128 Source, byte[] Datagram)> _received = [];
    private readonly List<(UInt128 Device, bool Open)> _notes = [];
    private readonly Task _running;
    private TaskCompletionSource _event = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal RelayPeer(JoinRequest request, JoinResult joined, byte[] root, Func<RelayTransportOptions, RelayTransportOptions>? change = null)
    {
        Id = Number(joined.Device.Id);
        Joined = joined;
        RelayTransportOptions options = new()
        {
            Request = request,
            MeshRoot = root,
            Certificate = () => joined.Certificate,
            Addresses = () => [request.Server],
            Sink = this,
            OnState = state =>
            {
                Failures += state.IsOpen ? 0 : 1;
                Happened();
            },
        };
        Transport = new RelayTransport(change?.Invoke(options) ?? options, TimeProvider.System);
        _running = Transport.RunAsync(_stop.Token);
    }

    internal UInt128 Id { get; }

    internal JoinResult Joined { get; }

    internal RelayTransport Transport { get; }

    /// <summary>Attempts that failed, and streams that ended.</summary>
    internal int Failures { get; private set; }

    internal IReadOnlyList<(UInt128 Source, byte[] Datagram)> Received
    {
        get
        {
            lock (_lock)
            {
                return [.. _received];
            }
        }
    }

    internal IReadOnlyList<(UInt128 Device, bool Open)> Notes
    {
        get
        {
            lock (_lock)
            {
                return [.. _notes];
            }
        }
    }

    internal static UInt128 Number(string deviceId) => UInt128.Parse(deviceId, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Datagrams that begin with numbers.</summary>
    internal static byte[] Batch(int first, int count, int size)
    {
        byte[] batch = new byte[count * size];
        for (int i = 0; i < count; i++)
        {
            batch.AsSpan(i * size, size).Fill((byte)(first + i));
            BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(i * size), first + i);
        }
        return batch;
    }

    /// <summary>The numbers received from a device, in order.</summary>
    internal int[] Numbers(UInt128 source) => [.. Received.Where(r => r.Source == source).Select(r => BinaryPrimitives.ReadInt32BigEndian(r.Datagram))];

    internal Task OpenAsync() => UntilAsync(() => Transport.State.IsOpen);

    /// <summary>Waits for something that shows itself by a datagram, a note or a state; for other things it looks again every so often.</summary>
    internal async Task UntilAsync(Func<bool> condition)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while (!condition())
        {
            Task next;
            lock (_lock)
            {
                next = _event.Task;
            }
            await Task.WhenAny(next, Task.Delay(20, patience.Token));
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    int ICarrierSink.Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        Assert.Equal(PathTransport.Relay, source.Transport);
        lock (_lock)
        {
            for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
            {
                _received.Add((source.Device, datagrams[..Math.Min(segmentSize, datagrams.Length)].ToArray()));
            }
        }
        Happened();
        return 0;
    }

    void ICarrierSink.NoteOpen(in PathAddress path, bool open)
    {
        lock (_lock)
        {
            _notes.Add((path.Device, open));
        }
        Happened();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private void Happened()
    {
        TaskCompletionSource before;
        lock (_lock)
        {
            before = _event;
            _event = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        before.SetResult();
    }
}
