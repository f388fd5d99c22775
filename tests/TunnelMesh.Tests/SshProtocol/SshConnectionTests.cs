using System.Security.Cryptography;
using CsCheck;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Tests.SshProtocol;

public sealed class SshConnectionTests
{
    [Fact]
    public void Both_sides_open_and_carry_datagrams_both_ways()
    {
        using SshPair pair = SshPair.Open();
        Assert.Equal((UInt128)1, pair.Server.Connection.RemoteDevice);
        pair.Send(pair.Client, [1, 2, 3, 4, 5], 2);
        pair.Send(pair.Server, [6, 7, 8], 3);
        Assert.Equal([[1, 2], [3, 4], [5]], pair.Server.Datagrams);
        Assert.Equal([[6, 7, 8]], pair.Client.Datagrams);
    }

    [Fact]
    public void The_stream_may_be_cut_anywhere_and_keys_may_change_at_any_time() => Gen.Int.Sample(seed =>
    {
        Random random = new(seed);
        using SshPair pair = SshPair.Open(random, rekeyBytes: 1 << 17);
        List<byte[]> sentByClient = [], sentByServer = [];
        for (int i = 0; i < 60; i++)
        {
            bool client = random.Next(2) == 0;
            int size = 1 + random.Next(1500), count = 1 + random.Next(Math.Min(40, 65_000 / size));
            byte[] datagrams = new byte[(size * (count - 1)) + 1 + random.Next(size)];
            random.NextBytes(datagrams);
            pair.Send(client ? pair.Client : pair.Server, datagrams, size);
            (client ? sentByClient : sentByServer).AddRange(datagrams.Chunk(size));
            if (random.Next(3) == 0)
            {
                pair.Run();
            }
        }
        pair.Run();
        Assert.Equal(sentByClient, pair.Server.Datagrams);
        Assert.Equal(sentByServer, pair.Client.Datagrams);
        Assert.True(pair.Client.Connection.KeyExchanges > 2);
        Assert.Equal(pair.Client.Connection.KeyExchanges, pair.Server.Connection.KeyExchanges);
    }, iter: 12);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Data_that_is_under_way_when_new_keys_are_asked_for_still_arrives(bool clientBegins)
    {
        using SshPair pair = SshPair.Open(rekeyBytes: 100_000);
        (SshSide begins, SshSide other) = clientBegins ? (pair.Client, pair.Server) : (pair.Server, pair.Client);
        byte[] train = RandomNumberGenerator.GetBytes(60_000);
        byte[] first = begins.Seal(train, 1000)!, second = begins.Seal(train, 1000)!;
        // What the other side sends before it knows of the exchange, and what comes out of it while the first has asked already.
        byte[] late = other.Seal([7, 7, 7], 3)!;
        Assert.Null(begins.Seal([1], 1));
        pair.Carry([.. first, .. second, .. begins.Write()], other);
        Assert.Null(other.Seal([1], 1));
        pair.Carry([.. late, .. other.Write()], begins);
        pair.Run();
        Assert.Equal(120, other.Datagrams.Count);
        Assert.Equal([[7, 7, 7]], begins.Datagrams);
        Assert.Equal((2, 2), (begins.Connection.KeyExchanges, other.Connection.KeyExchanges));
        pair.Send(other, [9], 1);
        Assert.Equal([9], begins.Datagrams[^1]);
    }

    [Fact]
    public void Keys_are_changed_after_an_hour_though_both_want_to_at_once()
    {
        using SshPair pair = SshPair.Open();
        pair.Time.Advance(TimeSpan.FromHours(1));
        pair.Client.Connection.Tick(pair.Now);
        pair.Server.Connection.Tick(pair.Now);
        Assert.True(pair.Client.Connection.HasControl && pair.Server.Connection.HasControl);
        pair.Run();
        Assert.Equal((2, 2), (pair.Client.Connection.KeyExchanges, pair.Server.Connection.KeyExchanges));
        pair.Client.Connection.Tick(pair.Now);
        Assert.False(pair.Client.Connection.HasControl);
    }

    [Fact]
    public void A_heartbeat_is_answered_and_waits_for_one_answer_at_a_time()
    {
        using SshPair pair = SshPair.Open();
        pair.Time.Advance(TimeSpan.FromSeconds(1));
        pair.Client.Connection.Heartbeat(pair.Now);
        pair.Client.Connection.Heartbeat(pair.Now + 1);
        Assert.Equal(pair.Now, pair.Client.Connection.HeartbeatSince);
        byte[] request = pair.Client.Write();
        Assert.NotEmpty(request);
        Assert.Equal(pair.Now, pair.Client.Connection.HeartbeatSince);
        pair.Carry(request, pair.Server);
        pair.Run();
        Assert.Null(pair.Client.Connection.HeartbeatSince);
        Assert.Equal(pair.Now, pair.Client.Connection.HeardAt);
    }

    [Fact]
    public void The_window_is_given_back_so_that_data_never_stops()
    {
        using SshPair pair = SshPair.Open();
        byte[] train = new byte[65_000];
        for (int i = 0; i < 2100; i++)
        {
            pair.Send(pair.Client, train, 1300);
            if (pair.Server.Connection.HasControl)
            {
                pair.Run();
            }
        }
        Assert.Equal(2100 * 50, pair.Server.Datagrams.Count);
    }

    [Fact]
    public void A_sender_without_window_waits_for_more()
    {
        using SshPair pair = SshPair.Open();
        byte[] train = new byte[65_000];
        int sent = 0;
        List<byte[]> packets = [];
        while (pair.Client.Seal(train, 65_000) is { } packet)
        {
            packets.Add(packet);
            sent++;
        }
        Assert.Equal(64 * 1024 * 1024 / 65_004, sent);
        packets.ForEach(p => pair.Carry(p, pair.Server));
        pair.Run();
        Assert.NotNull(pair.Client.Seal(train, 65_000));
    }

    [Fact]
    public void Little_data_gives_a_sign_of_life_once_a_second()
    {
        using SshPair pair = SshPair.Open();
        pair.Send(pair.Client, [1], 1);
        Assert.False(pair.Server.Connection.HasControl);
        pair.Time.Advance(TimeSpan.FromSeconds(1));
        pair.Send(pair.Client, [1], 1);
        Assert.True(pair.Server.Connection.HasControl);
        pair.Run();
        Assert.Equal(pair.Now, pair.Client.Connection.HeardAt);
    }

    [Fact]
    public void Each_side_ends_after_its_last_datagram_and_loses_none()
    {
        using SshPair pair = SshPair.Open();
        byte[] last = pair.Server.Seal([5], 1)!;
        pair.Client.Connection.EndSending();
        Assert.False(pair.Client.Connection.IsOpen);
        Assert.Null(pair.Client.Seal([1], 1));
        pair.Carry(pair.Client.Write(), pair.Server);
        Assert.Equal(SshEvent.RemoteEnded, pair.Server.Events[^1]);
        Assert.True(pair.Server.Connection.IsOpen);
        pair.Carry(last, pair.Client);
        pair.Carry(pair.Server.Seal([6], 1)!, pair.Client);
        pair.Server.Connection.EndSending();
        pair.Run();
        Assert.Equal([[5], [6]], pair.Client.Datagrams);
        Assert.True(pair.Client.Connection.IsEnded && pair.Server.Connection.IsEnded);
        Assert.Null(pair.Client.Connection.Failure);
        Assert.Null(pair.Server.Connection.Failure);
    }

    [Fact]
    public void A_disconnect_is_told_to_the_other_side()
    {
        using SshPair pair = SshPair.Open();
        pair.Client.Connection.Disconnect(SshDisconnectReason.ByApplication, "done");
        pair.Run();
        Assert.True(pair.Server.IsClosed);
        Assert.Equal(SshDisconnectReason.ByApplication, pair.Server.Connection.Failure?.Reason);
    }

    [Fact]
    public void A_client_waits_before_it_tells_who_it_is()
    {
        using SshPair source = new();
        int verified = 0;
        using SshSide client = new(source.Client.Connection, source.Time) { OnHostVerified = () => verified++ };
        source.Carry(source.Client.Write(), source.Server);
        for (int i = 0; i < 4; i++)
        {
            client.Hear(source.Server.Write());
            source.Carry(client.Write(), source.Server);
        }
        Assert.Equal(1, verified);
        Assert.False(client.Connection.HasControl);
        client.Connection.Authenticate();
        client.Connection.Authenticate();
        for (int i = 0; i < 4; i++)
        {
            source.Carry(client.Write(), source.Server);
            client.Hear(source.Server.Write());
        }
        Assert.True(client.Connection.IsOpen);
    }

    [Fact]
    public void A_channel_for_another_device_with_the_same_key_is_refused()
    {
        using SshPair pair = new(client: options => options with { ChannelTarget = "00000000000000000000000000000003" });
        pair.Run();
        Assert.True(pair.Client.IsClosed);
        Assert.False(pair.Server.Connection.IsOpen);
    }

    [Fact]
    public void A_session_channel_is_refused_and_harms_nothing()
    {
        using SshPair pair = new(client: options => options with { ChannelType = SshChannelType.Session, ChannelTarget = "" });
        pair.Run();
        Assert.True(pair.Client.IsClosed);
        Assert.Contains("reason 3", pair.Client.Connection.Failure?.Text, StringComparison.Ordinal);
    }
}
