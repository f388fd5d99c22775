using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Filter;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>Two engines whose trains are carried by hand.</summary>
internal sealed class TrainPair : IDisposable
{
    public TrainPair(int mtu = 1400, TunOffloads offloads = TunOffloads.All, Func<TimeProvider, PacketFilter>? filter = null)
    {
        Left = new TrainSide(Time, 1, mtu, offloads);
        Right = new TrainSide(Time, 200, mtu, offloads, filter?.Invoke(Time));
        Left.Engine.SetPeers([Right.Spec]);
        Right.Engine.SetPeers([Left.Spec]);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public TrainSide Left { get; }

    public TrainSide Right { get; }

    /// <summary>Begins a session from the left, and waits until nothing moves any more.</summary>
    public void Connect()
    {
        Left.Engine.HandlePacket(Packets.PacketBytes.V4("10.42.0.1", "10.42.0.200", 1, new byte[8]));
        Settle();
        Left.Tun.Writes.Clear();
        Right.Tun.Writes.Clear();
    }

    /// <summary>Carries everything both ways, train by train, until nothing moves any more.</summary>
    public void Settle()
    {
        while (Left.Sent.Count + Right.Sent.Count > 0)
        {
            Carry(Left, Right);
            Carry(Right, Left);
        }
    }

    public static void Carry(TrainSide from, TrainSide to)
    {
        foreach (TrainSide.Train train in from.TakeTrains())
        {
            to.Receive([train], from.Address);
        }
    }

    /// <summary>Bytes of inner packets that the left one sent, and that the right one received.</summary>
    public (long Sent, long Received) Bytes() => (Left.Engine.GetStats()[0].TxBytes, Right.Engine.GetStats()[0].RxBytes);

    public void Dispose()
    {
        Left.Dispose();
        Right.Dispose();
    }
}
