using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;

namespace TunnelMesh.Node.DataPlane;

/// <summary>The carriers of a device by transport. Filled before the lanes run, then read by any thread.</summary>
internal sealed class CarrierSet
{
    // As IDatagramCarrier has it; a batch of the data plane may be twice that.
    private const int MaxTrain = ushort.MaxValue;

    private readonly IDatagramCarrier?[] _byTransport = new IDatagramCarrier?[Enum.GetValues<PathTransport>().Length];

    /// <summary>Adds the carrier of its transport.</summary>
    public void Add(IDatagramCarrier carrier)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        _byTransport[(int)carrier.Transport] = carrier;
    }

    /// <summary>Sends over the path's carrier, in trains of the size that carriers take; how many datagrams it could not take.</summary>
    public int Send(in PathAddress path, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (Of(path) is not { } carrier || segmentSize > MaxTrain)
        {
            return (datagrams.Length + segmentSize - 1) / segmentSize;
        }

        int most = MaxTrain / segmentSize * segmentSize, refused = 0;
        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(most, datagrams.Length)..])
        {
            refused += carrier.Send(path.Device, datagrams[..Math.Min(most, datagrams.Length)], segmentSize);
        }

        return refused;
    }

    /// <summary>True when the path's carrier has a way now.</summary>
    public bool IsOpen(in PathAddress path) => Of(path)?.IsOpen(path.Device) ?? false;

    /// <summary>Asks the path's carrier for a way.</summary>
    public void Prepare(in PathAddress path) => Of(path)?.Prepare(path.Device);

    private IDatagramCarrier? Of(in PathAddress path) => Volatile.Read(ref _byTransport[(int)path.Transport]);
}
