using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Paths;

public class EndpointKeeperTests
{
    private static readonly UdpEndpoint Old = UdpEndpoint.From(IPEndPoint.Parse("192.0.2.1:1"));
    private static readonly UdpEndpoint New = UdpEndpoint.From(IPEndPoint.Parse("192.0.2.2:1"));
    private static readonly UdpEndpoint Other = UdpEndpoint.From(IPEndPoint.Parse("192.0.2.3:1"));
    private readonly FakeTimeProvider _time = new();
    private readonly EndpointKeeper _keeper;

    public EndpointKeeperTests() => _keeper = new EndpointKeeper(_time);

    private long Now => _time.GetTimestamp();

    [Fact]
    public void A_stock_peer_moves_with_every_authenticated_packet()
    {
        _keeper.Settle(Old);
        Assert.False(_keeper.NoteAuthenticated(New, stock: true, Now));
        Assert.Equal(New, _keeper.Current);
    }

    [Fact]
    public void A_mesh_peer_moves_when_the_new_address_has_echoed_and_the_old_one_is_silent()
    {
        _keeper.Settle(Old);
        Assert.True(_keeper.NoteAuthenticated(New, stock: false, Now));
        _keeper.BeginContest(New, challengerProbe: 7, incumbentProbe: 8, Now);
        Assert.Equal(Old, _keeper.Current);
        Assert.False(_keeper.NoteAuthenticated(New, stock: false, Now));
        _keeper.NoteEcho(7, Other, Now);
        Assert.Equal(Old, _keeper.Current);
        _keeper.NoteEcho(7, New, Now);
        Assert.Equal(New, _keeper.Current);
        _time.Advance(EndpointKeeper.ContestLimit);
        _keeper.NoteEcho(8, Old, Now);
        Assert.Equal(New, _keeper.Current);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_live_incumbent_stays_whichever_echo_is_first_and_the_challenger_rests(bool incumbentFirst)
    {
        _keeper.Settle(Old);
        Assert.True(_keeper.NoteAuthenticated(New, stock: false, Now));
        _keeper.BeginContest(New, challengerProbe: 7, incumbentProbe: 8, Now);
        if (incumbentFirst)
        {
            _keeper.NoteEcho(8, Old, Now);
            _keeper.NoteEcho(7, New, Now);
        }
        else
        {
            _keeper.NoteEcho(7, New, Now);
            _keeper.NoteEcho(8, Old, Now);
        }

        Assert.Equal(Old, _keeper.Current);
        Assert.False(_keeper.NoteAuthenticated(New, stock: false, Now));
        _time.Advance(EndpointKeeper.Rest);
        Assert.True(_keeper.NoteAuthenticated(New, stock: false, Now));
    }

    [Fact]
    public void The_challenger_rests_while_the_incumbent_is_heard_and_no_longer_than_it_takes_to_miss_it()
    {
        _keeper.Settle(Old);
        Assert.True(_keeper.NoteAuthenticated(New, stock: false, Now));
        _keeper.BeginContest(New, challengerProbe: 7, incumbentProbe: 8, Now);
        _keeper.NoteEcho(8, Old, Now);
        for (TimeSpan rested = default; rested + EndpointKeeper.Silence < EndpointKeeper.Rest; rested += EndpointKeeper.Silence / 2)
        {
            _time.Advance(EndpointKeeper.Silence / 2);
            Assert.False(_keeper.NoteAuthenticated(New, stock: false, Now));
            Assert.False(_keeper.NoteAuthenticated(Old, stock: false, Now));
        }

        _time.Advance(EndpointKeeper.Silence);
        Assert.True(_keeper.NoteAuthenticated(New, stock: false, Now));
    }

    [Fact]
    public void A_packet_from_the_incumbent_is_no_sign_that_it_lives_since_it_may_have_been_on_its_way_for_long()
    {
        _keeper.Settle(Old);
        Assert.True(_keeper.NoteAuthenticated(New, stock: false, Now));
        _keeper.BeginContest(New, challengerProbe: 7, incumbentProbe: 8, Now);
        Assert.False(_keeper.NoteAuthenticated(Old, stock: false, Now));
        _keeper.NoteEcho(7, New, Now);
        Assert.Equal(New, _keeper.Current);
    }
}
