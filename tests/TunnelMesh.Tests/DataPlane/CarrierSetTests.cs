using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;

namespace TunnelMesh.Tests.DataPlane;

public sealed class CarrierSetTests
{
    private static readonly PathAddress Path = PathAddress.Over(PathTransport.Ssh, 7);

    [Theory]
    [InlineData(1432, 91)]
    [InlineData(1432, 73)]
    [InlineData(60, 2000)]
    [InlineData(65535, 2)]
    public void A_batch_larger_than_a_train_goes_in_several_and_in_order(int segment, int count)
    {
        Carrier carrier = new();
        CarrierSet set = new();
        set.Add(carrier);
        byte[] datagrams = [.. Enumerable.Range(0, (segment * count) - 5).Select(i => (byte)(i * 31 >> 3))];
        Assert.Equal(0, set.Send(Path, datagrams, segment));
        Assert.All(carrier.Trains, t => Assert.True(t.Length <= ushort.MaxValue));
        Assert.All(carrier.Trains.SkipLast(1), t => Assert.Equal(0, t.Length % segment));
        Assert.Equal(datagrams, carrier.Trains.SelectMany(t => t));
    }

    [Fact]
    public void Without_a_carrier_everything_is_refused() => Assert.Equal(3, new CarrierSet().Send(Path, new byte[250], 100));

    private sealed class Carrier : IDatagramCarrier
    {
        public List<byte[]> Trains { get; } = [];

        public PathTransport Transport => PathTransport.Ssh;

        public bool IsOpen(UInt128 device) => true;

        public void Prepare(UInt128 device)
        {
        }

        public int Send(UInt128 device, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            Trains.Add(datagrams.ToArray());
            return 0;
        }
    }
}
