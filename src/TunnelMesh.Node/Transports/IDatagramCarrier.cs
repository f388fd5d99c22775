using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.Transports;

/// <summary>
/// Carries sealed datagrams to devices over streams: SSH connections, or a coordinator's relay. Datagrams may be lost and counted, as everywhere below a
/// session; they are not reordered. Devices are named by their ID as a big-endian number.
/// </summary>
public interface IDatagramCarrier
{
    /// <summary>Not UDP.</summary>
    PathTransport Transport { get; }

    /// <summary>True when a datagram to the device would leave now. A stream that carries nothing is not open. Any thread.</summary>
    /// <param name="device">Which device.</param>
    bool IsOpen(UInt128 device);

    /// <summary>Asks for a way to the device, in the background; cheap when there is one or it is being made already. Any thread.</summary>
    /// <param name="device">Which device.</param>
    void Prepare(UInt128 device);

    /// <summary>Sends datagrams, in order. Never waits; the bytes are copied. Any thread.</summary>
    /// <param name="device">To whom.</param>
    /// <param name="datagrams">The datagrams, one behind the other, at most 65,535 bytes.</param>
    /// <param name="segmentSize">Bytes of each; the last may be shorter.</param>
    /// <returns>How many could not be taken; they are lost and counted by the caller.</returns>
    int Send(UInt128 device, ReadOnlySpan<byte> datagrams, int segmentSize);
}
