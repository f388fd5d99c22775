using System.Threading.Channels;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;

namespace TunnelMesh.Tests.Transports;

/// <summary>Keeps what a carrier delivers and tells.</summary>
internal sealed class CarrierSink : ICarrierSink
{
    private readonly Channel<(UInt128 Device, byte[] Datagram)> _datagrams = Channel.CreateUnbounded<(UInt128, byte[])>();
    private readonly Lock _lock = new();
    private readonly List<(UInt128 Device, bool Open)> _told = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was told of ways, in order.</summary>
    public (UInt128 Device, bool Open)[] Told
    {
        get
        {
            lock (_lock)
            {
                return [.. _told];
            }
        }
    }

    /// <summary>Sizes of the trains that were delivered.</summary>
    public List<int> Trains { get; } = [];

    /// <summary>Waits in Deliver, so that nothing is read from the stream any more.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    public int Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        Gate.Wait();
        Trains.Add(datagrams.Length);
        for (int i = 0; i < datagrams.Length; i += segmentSize)
        {
            _datagrams.Writer.TryWrite((source.Device, datagrams.Slice(i, Math.Min(segmentSize, datagrams.Length - i)).ToArray()));
        }
        return 0;
    }

    public void NoteOpen(in PathAddress path, bool open)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _told.Add((path.Device, open));
            changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        changed.SetResult();
    }

    public async Task<byte[]> ReceiveAsync(CancellationToken cancel) => (await _datagrams.Reader.ReadAsync(cancel)).Datagram;

    /// <summary>Waits until the last word on a device is this.</summary>
    public async Task WaitAsync(UInt128 device, bool open, CancellationToken cancel)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_told.FindLastIndex(t => t.Device == device) is var last and >= 0 && _told[last].Open == open)
                {
                    return;
                }
                changed = _changed.Task;
            }
            await changed.WaitAsync(TimeSpan.FromSeconds(20), cancel);
        }
    }
}
