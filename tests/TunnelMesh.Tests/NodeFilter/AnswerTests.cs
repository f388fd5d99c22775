using TunnelMesh.Node.Filter;
using static TunnelMesh.Tests.ProtocolFilter.FilterBytes;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>What passes because this device began it.</summary>
public class AnswerTests
{
    private readonly FilteredDevice _device = new(true);

    private FilterPeer Nas => _device.Peer("nas");

    [Theory]
    [InlineData("10.42.0.1", "10.42.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void A_connection_of_ours_lives_from_syn_to_fin(string us, string them)
    {
        Assert.False(In(Tcp(them, us, 22, 40000, Syn | Ack)));
        Send(Tcp(us, them, 40000, 22, Syn));
        Assert.True(In(Tcp(them, us, 22, 40000, Syn | Ack)));
        Send(Tcp(us, them, 40000, 22, Ack));
        _device.Time.Advance(TimeSpan.FromHours(30));
        Assert.True(In(Tcp(them, us, 22, 40000, Ack, 100)));
        Assert.False(In(Tcp(them, us, 22, 40001, Ack)));
        Assert.False(In(Tcp(them, us, 23, 40000, Ack)));
        Send(Tcp(us, them, 40000, 22, Fin | Ack));
        Assert.True(In(Tcp(them, us, 22, 40000, Fin | Ack)));
        Assert.True(In(Tcp(them, us, 22, 40000, Ack)));
        _device.Time.Advance(TimeSpan.FromSeconds(241));
        Assert.False(In(Tcp(them, us, 22, 40000, Ack)));
    }

    [Fact]
    public void A_stray_ack_opens_nothing()
    {
        byte[] ack = Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Ack);
        Send(Tcp("10.42.0.1", "10.42.0.2", 22, 40000, Ack));
        Assert.False(In(ack));
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Syn | Ack));
        Assert.False(In(ack));
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Rst));
        Assert.False(In(ack));

        // It may come to what asked for it, but makes it no open connection, which would be kept for days.
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Syn));
        Assert.True(In(ack));
        _device.Time.Advance(TimeSpan.FromSeconds(241));
        Assert.False(In(ack));
    }

    [Fact]
    public void After_a_reset_the_ports_are_closed_soon()
    {
        Open();
        Assert.True(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Rst)));
        _device.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.False(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Ack)));
    }

    [Fact]
    public void Another_connection_between_the_ports_of_an_old_one_is_no_answer()
    {
        Open();
        Assert.False(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Syn)));
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Fin | Ack));
        Assert.False(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Syn)));
    }

    [Fact]
    public void Both_may_begin_at_once()
    {
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Syn));
        Assert.True(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Syn)));
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Syn | Ack));
        Assert.True(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Syn | Ack)));
        _device.Time.Advance(TimeSpan.FromHours(1));
        Assert.True(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Ack)));
    }

    [Fact]
    public void A_new_syn_of_ours_begins_an_old_connection_anew()
    {
        Open();
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Rst));
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Syn));
        _device.Time.Advance(TimeSpan.FromSeconds(60));
        Assert.True(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Syn | Ack)));
        _device.Time.Advance(TimeSpan.FromHours(1));
        Assert.True(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Ack)));
    }

    [Theory]
    [InlineData("10.42.0.1", "10.42.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void Answers_by_udp_pass_as_long_as_somebody_speaks(string us, string them)
    {
        byte[] answer = Udp(them, us, 53, 40000);
        Assert.False(In(answer));
        Send(Udp(us, them, 40000, 53));
        for (int i = 0; i < 5; i++)
        {
            _device.Time.Advance(TimeSpan.FromSeconds(299));
            Assert.True(In(answer));
        }

        Assert.False(In(Udp(them, us, 54, 40000)));
        _device.Time.Advance(TimeSpan.FromSeconds(301));
        Assert.False(In(answer));
    }

    [Fact]
    public void A_train_that_begins_with_the_end_of_a_connection_is_looked_at_packet_by_packet()
    {
        Open();
        byte[] plain = Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Ack, 10);
        Assert.Equal([true, true, false, true, true], _device.InRun(Nas, plain, plain, Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Syn), plain, Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Fin | Ack)));
        _device.Time.Advance(TimeSpan.FromSeconds(241));
        Assert.False(In(plain));
    }

    private void Open()
    {
        Send(Tcp("10.42.0.1", "10.42.0.2", 40000, 22, Syn));
        Assert.True(In(Tcp("10.42.0.2", "10.42.0.1", 22, 40000, Syn | Ack)));
        // Past the time in which connections from before are taken in.
        _device.Time.Advance(TimeSpan.FromSeconds(130));
    }

    private bool In(byte[] packet) => _device.In(Nas, packet);

    private void Send(byte[] packet) => _device.Out(Nas, packet);
}
