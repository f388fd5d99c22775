using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Sessions;

public sealed class HeldInitiationsTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly HeldInitiations _held;

    public HeldInitiationsTests() => _held = new HeldInitiations(_time);

    private long Now => _time.GetTimestamp();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_source_has_a_share_and_whoever_came_before_or_comes_after_from_elsewhere_waits_all_the_same(bool v6)
    {
        PathAddress elsewhere = At(v6 ? "[2001:db8:0:2::1]:1" : "203.0.113.8:1");
        Assert.Equal(0, Hold(1, elsewhere));
        int lost = Enumerable.Range(100, 1000).Sum(i => Hold(i, At(v6 ? $"[2001:db8:0:1::{i:x}]:1" : $"203.0.113.7:{i}")));
        Assert.Equal(1000 - HeldInitiations.PlacesPerSource, lost);
        Assert.Equal(0, Hold(2, elsewhere));
        Assert.Equal([1, 100, 101, 102, 103, 2], Take());
    }

    [Fact]
    public void A_device_behind_a_stream_is_a_source_of_its_own()
    {
        Assert.Equal(6, Enumerable.Range(0, 10).Sum(i => Hold(i, PathAddress.Over(PathTransport.Relay, 7))));
        Assert.Equal(0, Hold(20, PathAddress.Over(PathTransport.Relay, 8)));
        Assert.Equal(0, Hold(21, PathAddress.Over(PathTransport.Ssh, 7)));
    }

    [Fact]
    public void The_same_again_takes_no_place_and_renews_none()
    {
        PathAddress source = At("192.0.2.1:1"), other = At("192.0.2.1:2");
        for (int i = 0; i < 12; i++)
        {
            Assert.Equal(0, Hold(1, source));
            // What came over another way is answered over that one.
            Assert.Equal(0, Hold(1, other));
            _time.Advance(HeldInitiations.Limit / 12);
        }

        Assert.Empty(Take());
    }

    [Fact]
    public void What_is_put_back_is_as_old_as_before_and_is_met_once_a_round()
    {
        for (int i = 0; i < HeldInitiations.Places; i++)
        {
            Assert.Equal(0, Hold(i, At($"192.0.2.{i}:1")));
        }

        // Some find their device, which leaves places free before the rest.
        for (int round = 0; round < 5; round++)
        {
            int met = 0, before = HeldInitiations.Places - (2 * round);
            for (int place = 0; place < HeldInitiations.Places; place++)
            {
                if (_held.TryTake(place, Now, out ReadOnlySpan<byte> bytes, out PathAddress source, out long since))
                {
                    met++;
                    Assert.Equal(0, met is 2 or 7 ? 0 : _held.Hold(bytes, source, since, Now));
                }
            }

            Assert.Equal(before, met);
            _time.Advance(HeldInitiations.Limit / 5);
        }

        Assert.Empty(Take());
    }

    [Fact]
    public void Where_every_place_is_taken_the_oldest_makes_room_and_places_whose_time_is_over_are_free()
    {
        for (int i = 0; i < HeldInitiations.Places; i++)
        {
            Assert.Equal(0, Hold(i, At($"192.0.2.{i}:1")));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(1, Hold(99, At("198.51.100.1:1")));
        Assert.Equal([99, .. Enumerable.Range(1, HeldInitiations.Places - 1)], Take());

        Assert.Equal(4, Enumerable.Range(0, 8).Sum(i => Hold(i, At("198.51.100.1:1"))));
        _time.Advance(HeldInitiations.Limit);
        Assert.Equal(0, Hold(5, At("198.51.100.1:1")));
        Assert.Equal([5], Take());
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        PathAddress[] sources = [.. Enumerable.Range(0, 100).Select(i => At($"192.0.2.{i}:1"))];
        byte[] initiation = new byte[WireGuardMessage.InitiationSize];
        long now = Now;
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                initiation[20] = (byte)i;
                _held.Hold(initiation, sources[i % sources.Length], now, now);
                _held.TryTake(i % HeldInitiations.Places, now, out _, out _, out _);
            }
        }));
    }

    private static PathAddress At(string text) => UdpEndpoint.From(IPEndPoint.Parse(text));

    private int Hold(int number, PathAddress source)
    {
        byte[] bytes = new byte[WireGuardMessage.InitiationSize];
        BitConverter.TryWriteBytes(bytes.AsSpan(8), number);
        return _held.Hold(bytes, source, Now, Now);
    }

    // What waits, in the order of places.
    private List<int> Take()
    {
        List<int> numbers = [];
        for (int place = 0; place < HeldInitiations.Places; place++)
        {
            if (_held.TryTake(place, Now, out ReadOnlySpan<byte> bytes, out _, out _))
            {
                numbers.Add(BitConverter.ToInt32(bytes[8..]));
            }
        }

        return numbers;
    }
}
