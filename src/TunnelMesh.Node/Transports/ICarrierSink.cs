using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.Transports;

/// <summary>Where carriers bring what they received, and tell of ways that opened and closed. Any thread; returns at once.</summary>
public interface ICarrierSink
{
    /// <summary>Takes datagrams, in order.</summary>
    /// <param name="source">From whom, over what.</param>
    /// <param name="datagrams">The datagrams, one behind the other, at most 65,535 bytes; copied.</param>
    /// <param name="segmentSize">Bytes of each; the last may be shorter.</param>
    /// <returns>How many found no room; they are lost and counted here.</returns>
    int Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize);

    /// <summary>The way to a device has opened or closed.</summary>
    /// <param name="path">Which way.</param>
    /// <param name="open">True when it is open now.</param>
    void NoteOpen(in PathAddress path, bool open);
}
