using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;

namespace TunnelMesh.SystemTests.Ssh;

/// <summary>Counts what a carrier delivers; nothing of it is kept.</summary>
internal sealed class NoSink : ICarrierSink
{
    private int _calls;

    /// <summary>Deliveries and words about ways.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public int Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        Interlocked.Increment(ref _calls);
        return 0;
    }

    public void NoteOpen(in PathAddress path, bool open) => Interlocked.Increment(ref _calls);
}
