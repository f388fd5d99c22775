using System.Threading.Channels;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;

namespace TunnelMesh.Bench.RelayLoad;

/// <summary>Counts what a relay brings and wakes whoever waits for it.</summary>
internal sealed class CountingSink : ICarrierSink
{
    private readonly Channel<bool> _came = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private long _bytes;

    internal long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Waits until something has come; false when nothing does.</summary>
    internal async Task<bool> WaitAsync()
    {
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(100));
        try
        {
            return await _came.Reader.ReadAsync(soon.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    int ICarrierSink.Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        Interlocked.Add(ref _bytes, datagrams.Length);
        _came.Writer.TryWrite(true);
        return 0;
    }

    void ICarrierSink.NoteOpen(in PathAddress path, bool open)
    {
        // The measurement asks by itself.
    }
}
